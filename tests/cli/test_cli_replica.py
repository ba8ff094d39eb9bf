"""The read replica as operators meet it: which URLs are refused, and what `doctor` finds."""

import asyncio
import json

import pytest
from sqlalchemy import make_url

from auth_service.db.schema_revision import head_revision
from tests.support.commands import Operator
from tests.support.database_faults import execute
from tests.support.databases import Databases
from tests.support.ports import free_port

URL, READ_URL = "AUTH_DATABASE__URL", "AUTH_DATABASE__READ_URL"
POSTGRESQL = "postgresql://service:Tr0ub4dor-in-the-URL@127.0.0.1:1/auth"
A_RANDOM_ONE = "postgresql://user:<a random one>@host:5432/auth"
EXAMPLE = f"Example: {READ_URL}=postgresql://user:a-random-one@replica.example.com:5432/auth"
NO_REPLICAS = f"{READ_URL}: SQLite has no replicas, so both databases have to be PostgreSQL. {EXAMPLE}"


@pytest.fixture
def primary(operator: Operator, databases: Databases) -> str:
    """Return the URL of a database that is ready to be served."""
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    operator.environment[URL] = databases.migrated("postgresql")
    operator.run("create-admin", "--email", "ann@example.com")
    operator.make_signing_key()
    return operator.environment[URL]


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        pytest.param({READ_URL: POSTGRESQL}, NO_REPLICAS, id="of a SQLite file"),
        pytest.param({URL: POSTGRESQL, READ_URL: "sqlite:///replica.db"}, NO_REPLICAS, id="a SQLite file"),
        pytest.param({URL: POSTGRESQL, READ_URL: "here"}, f"{READ_URL}: it is not a URL. {EXAMPLE}", id="no URL"),
        pytest.param(
            {URL: POSTGRESQL, READ_URL: "postgresql://auth:changeme@127.0.0.1:1/auth"},
            f"{READ_URL}: it has a default password. Example: {READ_URL}={A_RANDOM_ONE}",
            id="default password",
        ),
    ],
)
def test_a_replica_that_cannot_be_is_refused_in_one_line(
    operator: Operator, variables: dict[str, str], line: str
) -> None:
    operator.secrets.append("Tr0ub4dor")

    outcome = operator.run("serve", **variables)

    assert (outcome.code, outcome.stderr) == (2, f"auth-service: {line}\n")


def _finding(operator: Operator, read_url: str) -> tuple[int, bool, str]:
    outcome = operator.run("doctor", "--json", **{READ_URL: read_url})
    [found] = [finding for finding in json.loads(outcome.stdout) if finding["check"] == "read replica"]
    return outcome.code, found["well"], found["mend"]


def test_doctor_says_whether_the_replica_answers_and_is_one(
    operator: Operator, primary: str, databases: Databases
) -> None:
    replica, behind = databases.copy(primary), databases.copy(primary)
    empty = databases.empty("postgresql")
    asyncio.run(execute(behind, "UPDATE alembic_version SET version_num = '0001'"))

    found = {url: _finding(operator, url) for url in (replica, primary, behind, empty)}

    mend = f"the primary's at {head_revision()}. Wait until it has caught up, or correct {READ_URL}."
    assert found == {
        replica: (0, True, ""),
        primary: (0, True, f"{READ_URL} leads to the primary itself, which is relieved of nothing."),
        behind: (2, False, f"its schema is at 0001, {mend}"),
        empty: (2, False, f"its schema is at nothing, {mend}"),
    }


def test_doctor_notices_a_copy_of_another_database(operator: Operator, primary: str, databases: Databases) -> None:
    other = databases.migrated("postgresql")
    operator.environment[URL] = other
    operator.make_signing_key()
    operator.environment[URL] = primary

    code, well, mend = _finding(operator, other)

    assert (code, well) == (2, False)
    assert mend.startswith("it has none of the primary's signing keys, so it is a copy of another database")


def test_doctor_says_why_a_replica_cannot_be_used(operator: Operator, primary: str) -> None:
    nobody = make_url(primary).set(port=free_port()).render_as_string(hide_password=False)
    missing = make_url(primary).set(database="missing").render_as_string(hide_password=False)

    found = [_finding(operator, url) for url in (nobody, missing)]

    for (code, well, mend), reason in zip(found, ("Connect call failed", 'database "missing"'), strict=True):
        assert (code, well) == (2, False)
        assert mend.startswith("the read replica cannot be used: ")
        assert reason in mend
        assert mend.endswith(f"lists are read from the primary. Start it or correct {READ_URL}.")


def test_without_a_replica_doctor_does_not_speak_of_one(operator: Operator, primary: str) -> None:
    assert operator.environment[URL] == primary

    outcome = operator.run("doctor")

    assert outcome.code == 0
    assert "replica" not in outcome.stdout
