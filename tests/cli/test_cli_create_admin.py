"""`create-admin`: where the password comes from, and what happens when the account cannot be made."""

import json
import os
import pty
import re
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from tests.support.commands import ROOT, Operator, Outcome

EMAIL = "ann@example.com"
PASSWORD = "correct horse battery staple"
MADE = f"{EMAIL} is an administrator now.\n"
THERE_IS_ONE = "There is an active administrator already; nothing was done.\n"


@pytest.fixture
def migrated(operator: Operator, migrated_database: str) -> Operator:
    """Return an operator whose database has the schema."""
    operator.environment["AUTH_DATABASE__URL"] = migrated_database
    return operator


def _administrator_finding(operator: Operator) -> dict[str, object]:
    findings = json.loads(operator.run("doctor", "--json").stdout)
    found: dict[str, object] = next(each for each in findings if each["check"] == "administrator")
    return found


def test_the_password_comes_from_standard_input_and_is_not_repeated(migrated: Operator) -> None:
    migrated.secrets.append(PASSWORD)

    outcome = migrated.run("create-admin", "--email", EMAIL, "--password-stdin", stdin=f"{PASSWORD}\n")

    assert outcome == Outcome(0, MADE, "")
    assert _administrator_finding(migrated) == {"check": "administrator", "well": True, "mend": ""}


def test_without_a_terminal_a_password_is_generated_and_shown_once(operator: Operator) -> None:
    operator.run("migrate")
    outcome = operator.run("create-admin", "--email", EMAIL)

    assert outcome.code == 0
    assert re.fullmatch(rf"{MADE}The password is \S{{20}} — it is shown only this once\.\n", outcome.stdout)


def test_a_password_is_never_an_argument(operator: Operator) -> None:
    outcome = operator.run("create-admin", "--email", EMAIL, "--password", PASSWORD)

    assert outcome.code == 2
    assert "No such option" in outcome.stderr


@pytest.mark.parametrize(
    ("typed", "output"),
    [
        pytest.param([PASSWORD, "something else", PASSWORD, PASSWORD], MADE, id="mistyped, then right"),
        pytest.param(["", ""], "The password is ", id="left empty"),
    ],
)
def test_a_terminal_is_asked_for_the_password_and_does_not_show_it(
    operator: Operator, typed: list[str], output: str
) -> None:
    operator.run("migrate")

    shown = _at_a_terminal(operator, ["create-admin", "--email", EMAIL], typed)

    assert shown.startswith("Password (leave empty to have one generated): ")
    assert output in shown
    assert PASSWORD not in shown
    assert _administrator_finding(operator)["well"] is True


def _at_a_terminal(operator: Operator, command: list[str], lines: list[str]) -> str:
    """Type each line when a question stands there; return what the terminal showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "auth_service", *command],
        env={**os.environ, "PYTHONPATH": str(ROOT), **operator.environment},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    shown = b""
    to_type = list(lines)
    with suppress(OSError):  # the terminal is gone when the command has ended
        while read := os.read(ours, 1024):
            shown += read
            if to_type and shown.endswith(b": "):
                os.write(ours, f"{to_type.pop(0)}\n".encode())
    os.close(ours)
    watchdog.cancel()
    assert process.wait() == 0, shown
    return shown.decode().replace("\r\n", "\n")


def test_if_none_makes_the_first_administrator_only(migrated: Operator) -> None:
    first = migrated.run("create-admin", "--email", EMAIL, "--if-none")
    second = migrated.run("create-admin", "--email", "bob@example.com", "--if-none", "--password-stdin", stdin="x")

    assert first.stdout.startswith(MADE)
    assert second == Outcome(0, THERE_IS_ONE, "")


def test_another_administrator_can_always_be_made(operator: Operator) -> None:
    operator.run("migrate")
    operator.run("create-admin", "--email", EMAIL)

    outcome = operator.run("create-admin", "--email", "bob@example.com")

    assert outcome.stdout.startswith("bob@example.com is an administrator now.\n")


def test_an_address_that_is_taken_is_refused_in_one_line(operator: Operator) -> None:
    operator.run("migrate")
    operator.run("create-admin", "--email", EMAIL)

    outcome = operator.run("create-admin", "--email", "ANN@Example.com")

    assert (outcome.code, outcome.stdout, outcome.stderr.count("\n")) == (1, "", 1)
    assert outcome.stderr.startswith("auth-service: ")


@pytest.mark.parametrize(
    ("email", "password", "code", "line"),
    [
        pytest.param(EMAIL, b"short\n", 1, "A password needs at least 8 characters.", id="weak"),
        pytest.param(EMAIL, b"", 2, "the password: ", id="nothing on standard input"),
        pytest.param(EMAIL, b"\xff\xfe123456\n", 2, "the password on standard input is not UTF-8", id="not UTF-8"),
        pytest.param(EMAIL, b"x" * 257, 2, "the password: ", id="too long"),
        pytest.param(EMAIL, b"12345678\0", 2, "the password: ", id="with a NUL"),
        pytest.param("ann", b"12345678abc\n", 2, "ann: ", id="not an address"),
        pytest.param("", b"12345678abc\n", 2, ": ", id="no address"),
    ],
)
def test_what_cannot_be_an_administrator_is_refused_in_one_line(
    operator: Operator, email: str, password: bytes, code: int, line: str
) -> None:
    operator.run("migrate")

    outcome = operator.run("create-admin", "--email", email, "--password-stdin", stdin=password)

    assert (outcome.code, outcome.stdout, outcome.stderr.count("\n")) == (code, "", 1)
    assert outcome.stderr.startswith(f"auth-service: {line}")
    assert _administrator_finding(operator)["well"] is False


def test_the_address_must_be_given(operator: Operator) -> None:
    outcome = operator.run("create-admin")

    assert outcome.code == 2
    assert "Missing option '--email'" in outcome.stderr
