"""What `doctor` notes of the way to a PostgreSQL: a superuser, and connections that others could read."""

import asyncio
import json
import secrets

import pytest
from sqlalchemy import make_url

from auth_service.cli.database_access import open_connections
from auth_service.db.settings import DatabaseSettings
from tests.support.commands import Operator, Outcome
from tests.support.database_faults import execute
from tests.support.databases import Databases

URL = "AUTH_DATABASE__URL"
INTERFERENCE = "could read the connection or answer in its place: put sslmode=verify-full into AUTH_DATABASE__"


def _notes(outcome: Outcome, check: str) -> list[tuple[bool, str]]:
    return [(found["well"], found["mend"]) for found in json.loads(outcome.stdout) if found["check"] == check]


def test_a_superuser_is_noted_and_an_ordinary_role_is_not(operator: Operator, databases: Databases) -> None:
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: who is superuser is not tested")
    database = make_url(databases.migrated("postgresql"))
    role = f"plain_{secrets.token_hex(4)}"
    as_superuser = database.render_as_string(hide_password=False)
    create = (f"CREATE ROLE {role} LOGIN", f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    asyncio.run(execute(as_superuser, *create))

    superuser = operator.run("doctor", "--json", **{URL: as_superuser})
    plain = operator.run("doctor", "--json", **{URL: str(database.set(username=role))})

    asyncio.run(execute(as_superuser, f"DROP OWNED BY {role}", f"DROP ROLE {role}"))
    mend = f"{database.username} is a superuser, of every database of the server. Use one that owns this database only."
    assert _notes(superuser, "database role") == [(True, mend)]
    assert (_notes(plain, "schema"), _notes(plain, "database role")) == ([(True, "")], [])


def test_a_connection_without_tls_is_noted_also_when_it_fails(operator: Operator) -> None:
    operator.secrets.append("Tr0ub4dor")
    url = "postgresql://auth:Tr0ub4dor@database.invalid:1/auth"

    outcome = operator.run("doctor", "--json", **{URL: url})

    assert _notes(outcome, "database TLS") == [(True, f"somebody on the way to database.invalid {INTERFERENCE}URL.")]
    assert outcome.code == 2  # it is not there either


@pytest.mark.parametrize(
    ("url", "others"),
    [
        ("sqlite:///auth.db", None),
        ("postgresql:///auth", None),
        ("postgresql:///auth?host=/run/postgresql", None),
        ("postgresql://localhost/auth", None),
        ("postgresql://127.0.0.1:5432/auth?sslmode=disable", None),
        ("postgresql://[::1]:5432/auth", None),
        ("postgresql://db.example.com/auth?sslmode=verify-full", None),
        ("postgresql://db.example.com/auth", "db.example.com"),
        ("postgresql://192.0.2.7/auth?sslmode=prefer", "192.0.2.7"),
        ("postgresql://db.example.com/auth?sslmode=require", "db.example.com"),
        ("postgresql:///auth?host=localhost:1&host=a.example:2&host=b.example:3", "a.example, b.example"),
    ],
)
def test_only_another_machine_without_verified_tls_is_noted(url: str, others: str | None) -> None:
    notes = list(open_connections(DatabaseSettings.model_validate({"url": url})))

    assert notes == ([] if others is None else [f"somebody on the way to {others} {INTERFERENCE}URL."])


def test_the_read_replica_has_a_note_of_its_own() -> None:
    urls = {"url": "postgresql://db/auth?sslmode=verify-full", "read_url": "postgresql://replica/auth"}

    notes = list(open_connections(DatabaseSettings.model_validate(urls)))

    assert notes == [f"somebody on the way to replica {INTERFERENCE}READ_URL."]
