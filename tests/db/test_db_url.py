"""Database URLs as people and clouds write them: what the driver gets to see, and whether it then connects."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import make_url, text

from auth_service.db.engine import Database
from auth_service.db.errors import DatabaseUnavailableError
from auth_service.db.settings import DatabaseSettings
from auth_service.db.url import parse_database_url
from tests.support.databases import Databases

LIMITS = {"idle_in_transaction_session_timeout": "10s", "lock_timeout": "3s", "statement_timeout": "30s"}
OWN = {"jit": "off", **LIMITS}
NAMED = {"server_settings": {"application_name": "auth-service", **OWN}}
POOLED = {
    "server_settings": {"application_name": "auth-service"},
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
}
BASE = "postgresql+asyncpg://ann:p%40ss@db.example.com:5432/auth"


def _written(rest: str, scheme: str = "postgresql") -> str:
    return f"{scheme}://ann:p%40ss@db.example.com:5432/auth{rest}"


@pytest.mark.parametrize(
    ("written", "url", "connect_args"),
    [
        *(
            pytest.param(_written("", scheme), BASE, NAMED, id=scheme)
            for scheme in ("postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg", "postgresql+psycopg2")
        ),
        *(
            pytest.param(_written(f"?sslmode={mode}"), BASE, {**NAMED, "ssl": mode}, id=f"sslmode={mode}")
            for mode in ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
        ),
        pytest.param(_written("?ssl=require"), BASE, {**NAMED, "ssl": "require"}, id="ssl=require"),
        pytest.param(
            _written("?sslmode=require&channel_binding=require"), BASE, {**NAMED, "ssl": "require"}, id="Neon"
        ),
        pytest.param(_written("?gssencmode=disable&connect_timeout=10"), BASE, NAMED, id="what only libpq knows"),
        pytest.param(_written("?pgbouncer=true"), BASE, POOLED, id="pgbouncer=true"),
        pytest.param(_written("?sslmode=require&pgbouncer=1"), BASE, {**POOLED, "ssl": "require"}, id="pgbouncer=1"),
        pytest.param(_written("?pgbouncer=false"), BASE, NAMED, id="pgbouncer=false"),
        pytest.param(
            _written("?application_name=blue&options=-c%20search_path%3Dauth"),
            BASE,
            {"server_settings": {"application_name": "blue", "options": "-c search_path=auth", **OWN}},
            id="server settings",
        ),
        pytest.param(
            _written("?target_session_attrs=read-write"),
            f"{BASE}?target_session_attrs=read-write",
            NAMED,
            id="target_session_attrs",
        ),
        pytest.param(
            "postgresql://ann:p%40ss@/auth?host=one:5432&host=two:5433&target_session_attrs=primary",
            "postgresql+asyncpg://ann:p%40ss@/auth?host=one%3A5432&host=two%3A5433&target_session_attrs=primary",
            NAMED,
            id="several hosts",
        ),
        *(
            pytest.param(written, url, {}, id=written)
            for written, url in (
                ("sqlite:///./var/auth.db", "sqlite+aiosqlite:///./var/auth.db"),
                ("sqlite:////var/lib/auth.db", "sqlite+aiosqlite:////var/lib/auth.db"),
                ("sqlite+pysqlite:///auth.db", "sqlite+aiosqlite:///auth.db"),
            )
        ),
    ],
)
def test_a_url_becomes_what_the_driver_understands(written: str, url: str, connect_args: Mapping[str, object]) -> None:
    address = parse_database_url(written)

    assert address.url.render_as_string(hide_password=False) == url
    assert address.connect_args == connect_args


@pytest.fixture
def server(databases: Databases) -> str:
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    return databases.postgresql


async def _answers(written: str, *questions: str) -> list[Any]:
    database = Database(DatabaseSettings.model_validate({"url": written}))
    async with database.transaction(writing=False) as session:
        connection = await session.connection()
        answers = [(await connection.execute(text(question))).scalar_one() for question in questions]
    await database.dispose()
    return answers


@pytest.mark.parametrize(
    ("scheme", "query", "application", "jit"),
    [
        pytest.param("postgres", "sslmode=disable&channel_binding=prefer", "auth-service", "off", id="a cloud's"),
        pytest.param("postgresql+psycopg", "sslmode=prefer&gssencmode=disable", "auth-service", "off", id="psycopg's"),
        pytest.param("postgresql", "pgbouncer=true&application_name=blue", "blue", "on", id="through a pooler"),
        pytest.param("postgresql", "target_session_attrs=read-write", "auth-service", "off", id="a primary"),
        pytest.param("postgresql", "options=-c%20jit%3Don&connect_timeout=3", "auth-service", "off", id="options"),
    ],
)
async def test_the_driver_connects(server: str, scheme: str, query: str, application: str, jit: str) -> None:
    _, rest = server.split("://")

    answers = await _answers(
        f"{scheme}://{rest}?{query}",
        "SELECT current_setting('application_name')",
        "SELECT current_setting('jit')",
        "SELECT current_setting('is_superuser')",
    )

    assert answers[:2] == [application, jit]


async def test_of_several_hosts_the_one_that_answers_is_found(server: str) -> None:
    url = make_url(server)
    hosts = {"host": ["127.0.0.1:1", f"{url.host}:{url.port}"], "target_session_attrs": "read-write"}
    written = url.set(host=None, port=None).set(query=hosts)

    answers = await _answers(written.render_as_string(hide_password=False), "SELECT inet_server_port()")

    assert answers == [url.port]


async def test_where_no_host_is_what_is_wanted_the_database_is_away(server: str) -> None:
    """As amid a failover, when every host that is left follows one that is gone."""
    with pytest.raises(DatabaseUnavailableError):
        await _answers(f"{server}?target_session_attrs=standby", "SELECT 1")


@pytest.mark.parametrize(("query", "kept"), [("", True), ("?pgbouncer=true", False)])
async def test_no_prepared_statement_is_kept_behind_a_pooler(server: str, query: str, *, kept: bool) -> None:
    questions = ["SELECT 1", "SELECT 1", "SELECT count(*) FROM pg_prepared_statements"]

    answers = await _answers(f"{server}{query}", *questions)

    assert (answers[-1] > 0) is kept
