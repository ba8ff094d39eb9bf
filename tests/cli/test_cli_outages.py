"""A database that cannot be used, a schema that is behind, a key that does not open: one line, exit code 2."""

import re
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from auth_service.cli.ports import bind
from tests.support.commands import Operator, Outcome
from tests.support.databases import Databases
from tests.support.ports import free_port
from tests.support.settings import new_master_key

COMMANDS = [
    pytest.param(("serve",), id="serve"),
    pytest.param(("migrate",), id="migrate"),
    pytest.param(("create-admin", "--email", "ann@example.com"), id="create-admin"),
    pytest.param(("create-admin", "--email", "ann@example.com", "--if-none"), id="create-admin --if-none"),
]
PASSWORD = "Tr0ub4dor-in-the-URL"
ADVICE = "Start it or correct its address. Example: AUTH_DATABASE__URL=postgresql://user:a-random-one@db.example.com:5432/auth"
BEHIND = "The database's schema is not what this release needs. Run 'auth-service migrate'."

MakeUrl = Callable[[Path, Databases], str]


def _on_the_server(databases: Databases, *, username: str | None = None, database: str | None = None) -> str:
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    url = make_url(databases.postgresql).set(username=username, database=database, password=PASSWORD)
    return url.render_as_string(hide_password=False)


def _not_a_database(folder: Path) -> str:
    (folder / "letter.db").write_text("Dear database, " * 100)
    return f"sqlite:///{folder}/letter.db"


def _somebody_elses_database(folder: Path) -> str:
    connection = sqlite3.connect(folder / "other.db")
    connection.execute("CREATE TABLE users (name TEXT)")
    connection.close()
    return f"sqlite:///{folder}/other.db"


UNUSABLE: list[tuple[str, str, MakeUrl]] = [
    ("refused port", "Connect call failed ('127.0.0.1', 1)", lambda _f, _d: f"postgresql://a:{PASSWORD}@127.0.0.1:1/a"),
    ("unknown host", "[Errno -", lambda _f, _d: f"postgresql://a:{PASSWORD}@nowhere.invalid/a"),
    (
        "unknown database",
        'database "missing" does not exist',
        lambda _f, d: _on_the_server(d, database="missing"),
    ),
    (
        "unknown role",
        'role "stranger" does not exist',
        lambda _f, d: _on_the_server(d, username="stranger"),
    ),
    (
        "no TLS",
        "rejected SSL upgrade",
        lambda _f, d: f"{_on_the_server(d)}?sslmode=require",
    ),
    ("folder instead of a file", "unable to open database file", lambda f, _d: f"sqlite:///{f}"),
    ("not a database", "file is not a database", lambda f, _d: _not_a_database(f)),
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("reason", "make_url_of"), [pytest.param(reason, make, id=name) for name, reason, make in UNUSABLE]
)
def test_a_database_that_cannot_be_used_gets_one_line(
    operator: Operator, databases: Databases, command: tuple[str, ...], reason: str, make_url_of: MakeUrl
) -> None:
    operator.secrets.append(PASSWORD)

    outcome = operator.run(*command, AUTH_DATABASE__URL=make_url_of(operator.folder, databases))

    assert (outcome.code, outcome.stdout, outcome.stderr.count("\n")) == (2, "", 1)
    assert outcome.stderr.startswith("auth-service: the database cannot be used: ")
    assert reason in outcome.stderr
    assert outcome.stderr.endswith(f". {ADVICE}\n")


@pytest.mark.parametrize(
    ("reason", "make_url_of"),
    [
        pytest.param("No such file or directory", lambda _f: "sqlite:////proc/nowhere/auth.db", id="cannot be made"),
        pytest.param("File exists", lambda f: f"{_not_a_database(f)}/auth.db", id="below a file"),
    ],
)
def test_a_folder_that_cannot_be_made_gets_one_line(
    operator: Operator, reason: str, make_url_of: Callable[[Path], str]
) -> None:
    outcome = operator.run("migrate", AUTH_DATABASE__URL=make_url_of(operator.folder))

    assert (outcome.code, outcome.stdout, outcome.stderr.count("\n")) == (2, "", 1)
    assert reason in outcome.stderr
    assert outcome.stderr.endswith(f". {ADVICE}\n")


@pytest.mark.parametrize(
    ("reason", "make_url_of"), [pytest.param(reason, make, id=name) for name, reason, make in UNUSABLE]
)
def test_doctor_names_the_database_that_cannot_be_used(
    operator: Operator, databases: Databases, reason: str, make_url_of: MakeUrl
) -> None:
    operator.secrets.append(PASSWORD)

    outcome = operator.run("doctor", AUTH_DATABASE__URL=make_url_of(operator.folder, databases))

    settings, *_, database = outcome.stdout.splitlines()
    assert (outcome.code, outcome.stderr, settings.split()) == (2, "", ["settings", "ok"])
    assert re.match("database +TO MEND: the database cannot be used: ", database)
    assert reason in database


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Return the URL of something that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"postgresql://a:{PASSWORD}@127.0.0.1:{listener.getsockname()[1]}/a"


def test_a_database_that_never_answers_gets_one_line(operator: Operator, silent_server: str) -> None:
    outcome = operator.run("migrate", AUTH_DATABASE__URL=silent_server, AUTH_DATABASE__CONNECT_TIMEOUT="PT0.1S")

    assert outcome == Outcome(2, "", f"auth-service: the database cannot be used: no answer in time. {ADVICE}\n")


def test_a_database_of_somebody_else_gets_one_line_and_stays_as_it_was(operator: Operator) -> None:
    url = _somebody_elses_database(operator.folder)

    outcome = operator.run("migrate", AUTH_DATABASE__URL=url)

    assert outcome.code == 2
    assert outcome.stderr == (f"auth-service: the database cannot be used: table users already exists. {ADVICE}\n")
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("users",)]


@pytest.mark.parametrize("command", [COMMANDS[0], COMMANDS[2]])
def test_a_schema_that_is_behind_is_said_to_need_migrate(
    operator: Operator, empty_database: str, command: tuple[str, ...]
) -> None:
    if empty_database.startswith("sqlite"):
        Path(empty_database.removeprefix("sqlite:///")).touch()

    outcome = operator.run(*command, AUTH_DATABASE__URL=empty_database)

    assert outcome == Outcome(2, "", f"auth-service: {BEHIND}\n")


def test_migrate_says_where_the_database_was_and_is(operator: Operator, empty_database: str) -> None:
    first = operator.run("migrate", AUTH_DATABASE__URL=empty_database)
    second = operator.run("migrate", AUTH_DATABASE__URL=empty_database)

    assert first.stdout.startswith("The database was empty and is at ")
    assert second.stdout.startswith("Up to date: ")
    assert (first.code, first.stderr, second.code, second.stderr) == (0, "", 0, "")


def test_a_key_that_no_master_key_opens_gets_one_line(operator: Operator) -> None:
    operator.run("migrate")
    operator.make_signing_key()

    outcome = operator.run("serve", AUTH_SECURITY__MASTER_KEYS=new_master_key())

    assert (outcome.code, outcome.stdout, outcome.stderr.count("\n")) == (2, "", 1)
    assert outcome.stderr.startswith("auth-service: signing key ")
    assert outcome.stderr.endswith(
        " cannot be opened with the configured master keys. Put the one that it was made with back into "
        "AUTH_SECURITY__MASTER_KEYS, behind the new one.\n"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("command", ["serve", "dev"])
def test_a_busy_port_gets_one_line(operator: Operator, command: str, host: str) -> None:
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        port = taken.getsockname()[1]

        outcome = operator.run(command, "--host", host, "--port", str(port))

    line = f"cannot listen on {host} port {port}: Address already in use. Choose another --host or --port."
    assert outcome == Outcome(2, "", f"auth-service: {line}\n")


def test_a_port_is_taken_from_the_moment_that_it_is_bound(operator: Operator) -> None:
    port = free_port()

    with bind("127.0.0.1", port):
        outcome = operator.run("serve", "--port", str(port))

    assert (outcome.code, outcome.stderr.count("Address already in use")) == (2, 1)


def test_a_host_that_is_not_here_gets_one_line(operator: Operator) -> None:
    outcome = operator.run("serve", "--host", "192.0.2.1", "--port", "8000")

    assert outcome.code == 2
    assert outcome.stderr.startswith("auth-service: cannot listen on 192.0.2.1 port 8000: ")


@pytest.mark.parametrize(
    "command",
    [
        ("doctor",),
        ("serve",),
        ("create-admin", "--email", "ann@example.com"),
        ("clients", "list"),
        ("keys", "list"),
        ("keys", "rotate", "--emergency"),
    ],
    ids=" ".join,
)
def test_only_migrate_makes_a_missing_sqlite_file(operator: Operator, command: tuple[str, ...]) -> None:
    outcome = operator.run(*command, AUTH_DATABASE__URL="sqlite:///./deep/down/auth.db")

    assert outcome.code == 2
    assert re.search(r"here is no file .*deep/down/auth\.db.*auth-service migrate", outcome.stdout + outcome.stderr)
    assert list(operator.folder.iterdir()) == []
