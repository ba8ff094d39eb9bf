"""Whom PostgreSQL cuts off: a replica that froze with a lock, and those who wait for one; never work that may last."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest
from alembic import command
from httpx import Response
from sqlalchemy import Connection, text
from structlog.testing import capture_logs

from auth_service.db.engine import Database
from auth_service.db.errors import DatabaseUnavailableError
from auth_service.db.limits import LIMITS
from auth_service.db.locks import lock_until_commit
from auth_service.db.migrations import alembic_config, upgrade
from auth_service.db.schema_revision import head_revision
from auth_service.db.session import Session
from auth_service.db.settings import DatabaseSettings
from tests.support.commands import ROOT
from tests.support.databases import Databases
from tests.support.service import Account, Service, assert_problem, bearer, running_service
from tests.support.settings import make_settings

Limit = Callable[..., None]

_HOLD_THE_COUNTER = "UPDATE revocation_counter SET seq = seq"
_WAIT_LONG = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    " AND clock_timestamp() - query_start > '0.3 s'"
)
_LIMITS_NOW = "SELECT " + " || ' ' || ".join(f"current_setting('{name}')" for name in LIMITS)
_MIGRATION = """
from alembic import op

revision = "seeing"
down_revision = "{head}"


def upgrade():
    op.execute("CREATE TABLE seen AS {question} AS limits")
"""


@pytest.fixture
def url(databases: Databases) -> str:
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    return databases.migrated("postgresql")


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Limit:
    """Return what changes the limits of connections that are made from then on; the others are as long as can be."""

    def change(**limits: str) -> None:
        for name in LIMITS:
            monkeypatch.setitem(LIMITS, name, limits.get(name, "20s"))

    return change


def _open(url: str) -> Database:
    """Return a database with one connection, so that what is left behind on it shows."""
    values = {"url": url, "pool_size": 1, "pool_overflow": 0, "connect_timeout": 30}
    return Database(DatabaseSettings.model_validate(values))


async def _ask(session: Session, question: str) -> object:
    return cast("object", (await (await session.connection()).execute(text(question))).scalar())


async def _do(session: Session, statement: str) -> None:
    await (await session.connection()).execute(text(statement))


@asynccontextmanager
async def _somebody_holding(url: str, statement: str) -> AsyncIterator[None]:
    """Leave open a transaction that has done `statement`, of somebody who is not limited."""
    holder = await asyncpg.connect(url)
    try:
        async with holder.transaction():
            await holder.execute(statement)
            yield
    finally:
        await holder.close()


async def _sign_out(service: Service, user: Account) -> Response:
    return await service.client.delete(f"/users/me/sessions/{user.session_id}", headers=bearer(user))


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("lock_timeout", "canceling statement due to lock timeout"),
        ("statement_timeout", "canceling statement due to statement timeout"),
    ],
)
async def test_who_waits_for_a_lock_too_long_gets_503_and_later_succeeds(
    url: str, limit: Limit, name: str, cause: str
) -> None:
    limit(**{name: "1500ms"})
    async with running_service(make_settings(url)) as service:
        user = await service.make_user()

        async with _somebody_holding(url, _HOLD_THE_COUNTER):
            with capture_logs() as logs:
                shed = await _sign_out(service, user)
            still = await service.client.get("/users/me", headers=bearer(user))
        ended = await _sign_out(service, user)

    assert_problem(shed, 503, code="database_unavailable")
    assert shed.headers["retry-after"] == "2"
    assert [line["cause"].rpartition(": ")[2] for line in logs] == [cause]
    assert str(user.session_id) not in str([{**line, "path": ""} for line in logs])
    assert (still.status_code, ended.status_code) == (200, 204)


async def test_a_transaction_left_open_is_cut_off_and_stops_nobody(url: str, limit: Limit) -> None:
    limit(idle_in_transaction_session_timeout="1s")
    async with running_service(make_settings(url)) as service:
        user = await service.make_user()
        answers = []

        async def freeze() -> None:
            async with service.runtime.unit_of_work(writing=True) as frozen:
                await _do(frozen.session, _HOLD_THE_COUNTER)
                answers.append(await _sign_out(service, user))

        with pytest.raises(DatabaseUnavailableError):
            await freeze()

    assert [answer.status_code for answer in answers] == [204]


@pytest.mark.parametrize("goes_on", [True, False], ids=["goes on", "commits"])
async def test_a_connection_that_was_cut_off_is_an_outage_and_is_replaced(
    url: str, limit: Limit, *, goes_on: bool
) -> None:
    limit(idle_in_transaction_session_timeout="500ms")
    database, backends = _open(url), []

    async def idle() -> None:
        async with database.transaction(writing=True) as session:
            backends.append(await _ask(session, "SELECT pg_backend_pid()"))
            await _until_gone(url, backends[0])
            if goes_on:
                await _do(session, "SELECT 1")

    with pytest.raises(DatabaseUnavailableError):
        await idle()
    async with database.transaction(writing=False) as session:
        backends.append(await _ask(session, "SELECT pg_backend_pid()"))

    assert len(set(backends)) == 2
    await database.dispose()


async def _until_gone(url: str, backend: object) -> None:
    connection = await asyncpg.connect(url)
    async with asyncio.timeout(20):
        while await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", backend):
            pass
    await connection.close()


async def _lock_by_name(session: Session) -> None:
    await lock_until_commit(session, "first-administrator")


async def _lock_as_migrations_do(session: Session) -> None:
    await _do(session, f"SELECT pg_advisory_xact_lock({0x61757468_6D696772})")


async def _take_the_lock(database: Database) -> None:
    async with database.transaction(writing=True) as session:
        await _lock_by_name(session)


@pytest.mark.parametrize(
    ("hold", "patient"),
    [
        pytest.param(_lock_as_migrations_do, upgrade, id="a migration"),
        pytest.param(_lock_by_name, _take_the_lock, id="a lock by name"),
    ],
)
async def test_what_replicas_do_one_after_the_other_is_waited_for(
    url: str,
    limit: Limit,
    hold: Callable[[Session], Awaitable[None]],
    patient: Callable[[Database], Coroutine[Any, Any, None]],
) -> None:
    limit(lock_timeout="200ms", statement_timeout="200ms")
    database, others = _open(url), _open(url)

    async with others.transaction(writing=True) as holder:
        await hold(holder)
        waiting = asyncio.create_task(patient(database))
        has_waited_long = await _has_waited_long(url, waiting)
    await waiting

    assert has_waited_long
    await database.dispose()
    await others.dispose()


async def _has_waited_long(url: str, task: asyncio.Task[None]) -> bool:
    """Return when the task has waited for a lock for longer than it might, or has ended before."""
    connection = await asyncpg.connect(url)
    while not (waits := await connection.fetchval(_WAIT_LONG)) and not task.done():
        pass
    await connection.close()
    return bool(waits)


async def test_a_migration_has_no_limits_and_leaves_them_as_they_were(url: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "alembic", tmp_path / "alembic")
    script = _MIGRATION.format(head=head_revision(), question=_LIMITS_NOW)
    (tmp_path / "alembic" / "versions" / "seeing.py").write_text(script)
    database = _open(url)

    def migrate(connection: Connection) -> None:
        config = alembic_config(connection)
        config.set_main_option("script_location", str(tmp_path / "alembic"))
        command.upgrade(config, "head")

    async with database.connection() as connection:
        await connection.run_sync(migrate)
    async with database.transaction(writing=False) as session:
        seen, now = await _ask(session, "SELECT limits FROM seen"), await _ask(session, _LIMITS_NOW)

    assert (seen, now) == ("0 0 0", "10s 3s 30s")
    await database.dispose()


@pytest.mark.parametrize("state", ["25P03", "55P03"])
async def test_what_the_server_says_of_a_limit_is_an_outage(url: str, state: str) -> None:
    """A pooler passes on what the server said last; without one the driver sees the closed connection only."""
    database = _open(url)

    with pytest.raises(DatabaseUnavailableError):
        async with database.transaction(writing=False) as session:
            await _do(session, f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")

    await database.dispose()
