"""`dev`: the lines that it prints work when pasted, at the second start too, or it says why there are none."""

import asyncio
import json
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.request import urlopen

import jwt
import pytest

from auth_service.cli.dev import DevState, base_url_of, load_dev_settings, load_or_create_state, prepare
from tests.support.commands import Operator, Outcome
from tests.support.ports import free_port
from tests.support.processes import run_commands, running_at_once
from tests.support.programs import find_program
from tests.support.settings import new_master_key

LAST_LINE = "Stop with Ctrl+C."
DAMAGED = "auth-service: var/dev.json is damaged. Put it back as it was, or delete ./var to start over.\n"


@pytest.fixture
def newcomer(operator: Operator) -> Operator:
    """Return somebody who has set nothing, in an empty folder."""
    for name in [name for name in operator.environment if not name.startswith("AUTH_HASHING")]:
        del operator.environment[name]
    operator.secrets.clear()
    return operator


@contextmanager
def _started(newcomer: Operator, *arguments: str) -> Iterator[tuple[str, list[Outcome]]]:
    """Yield what it printed, and where its end will be; it is ended by Ctrl+C."""
    outcomes: list[Outcome] = []
    with newcomer.start("dev", *arguments) as program:
        yield program.ready(LAST_LINE), outcomes
        outcomes.append(program.stop(signal.SIGINT))


@contextmanager
def _what_it_prints(newcomer: Operator, *arguments: str, **environment: str) -> Iterator[str]:
    """Yield what a start prints that is forked from this process's kind, and so costs no start of Python."""
    command = ["dev", "--port", str(free_port()), *arguments]
    process_arguments = (newcomer.folder, {**newcomer.environment, **environment}, "", [command])
    with running_at_once(run_commands, [process_arguments]) as [process]:
        process.wait_for(LAST_LINE)
        yield process.text


def _paste(printed: str) -> dict[str, str]:
    """Run the printed command in a shell, as a person would; return the answer."""
    find_program("curl")
    command = printed.split("Get a token")[1].splitlines()[0]
    result = subprocess.run(["sh", "-c", f"{command} -sS"], capture_output=True, text=True, check=True)
    answer: dict[str, str] = json.loads(result.stdout)
    return answer


def _header(answer: dict[str, str]) -> dict[str, str]:
    header: dict[str, str] = jwt.get_unverified_header(answer["access_token"])
    return header


@pytest.mark.interop
def test_the_printed_lines_work_when_pasted_and_again_at_the_second_start(newcomer: Operator) -> None:
    port = str(free_port())

    with _started(newcomer, "--port", port) as (first, ends):
        first_answer = _paste(first)
    with _started(newcomer, "--port", port) as (second, _):
        second_answer = _paste(second)
        with urlopen(f"http://127.0.0.1:{port}/docs") as docs:
            docs_status = docs.status

    assert first == second
    assert f"Try it in the browser   http://127.0.0.1:{port}/docs\n" in first
    assert "Administrator           admin@example.com\n" in first
    assert docs_status == 200
    assert _header(first_answer) == _header(second_answer)
    assert first_answer["scope"] == "admin items:read items:write profile:read profile:write"
    assert (newcomer.folder / "var" / "dev.json").stat().st_mode & 0o777 == 0o600
    assert (ends[0].code, ends[0].stdout) == (130, "")
    finished = r"request\.finished +caller=client_first_party method=POST .* route=/oauth/token status=200"
    assert re.fullmatch(rf"\S+Z \[info +\] {finished}\n", ends[0].stderr)


@pytest.mark.interop
def test_settings_in_the_environment_are_honoured_and_another_issuer_is_shown(newcomer: Operator) -> None:
    issuer = "https://tunnel.example.com"
    environment = {"AUTH_TOKENS__ISSUER": issuer, "AUTH_TOKENS__ALGORITHM": "EdDSA"}

    with _what_it_prints(newcomer, "--host", "::1", **environment) as printed:
        answer = _paste(printed)

    assert _header(answer)["alg"] == "EdDSA"
    assert jwt.decode(answer["access_token"], options={"verify_signature": False})["iss"] == issuer
    assert f"Issuer                  {issuer} (AUTH_TOKENS__ISSUER)\n" in printed


@pytest.mark.parametrize("name", ["AUTH_DATABASE__URL", "AUTH_SECURITY__MASTER_KEYS", "auth_database__url"])
def test_a_database_or_keys_that_are_not_its_own_are_left_alone(newcomer: Operator, name: str) -> None:
    values = {"url": "sqlite:///./real.db", "keys": new_master_key()}
    value = values[name.lower().rpartition("_")[2]]
    newcomer.secrets.append(value)

    outcome = newcomer.run("dev", **{name: value})

    line = f"auth-service: {name}: it is set, and 'dev' works on nothing but ./var. Unset it, or use 'serve'.\n"
    assert outcome == Outcome(2, "", line)
    assert [path.name for path in newcomer.folder.rglob("*") if path.is_file()] == ["dev.json"]


def test_other_commands_work_on_the_same_with_what_it_says(newcomer: Operator) -> None:
    state = _prepare(newcomer)

    printed = newcomer.run("dev", "--env", "--port", "9000").stdout
    environment = dict(line.removeprefix("export ").split("=", 1) for line in printed.splitlines())
    outcome = newcomer.run("keys", "list", **environment)

    assert environment == {
        "AUTH_DATABASE__URL": "sqlite:///./var/dev.db",
        "AUTH_SECURITY__MASTER_KEYS": state.master_key,
        "AUTH_TOKENS__ISSUER": "http://127.0.0.1:9000",
        "AUTH_HTTP__DOCS": "true",
        "AUTH_HTTP__ACCESS_LOG": "true",
        "AUTH_MAIL__TRANSPORT": "console",
    }
    assert (outcome.code, outcome.stderr) == (0, "")
    with _what_it_prints(newcomer, **environment) as again:
        assert state.admin_password in again


def _prepare(newcomer: Operator) -> DevState:
    state = load_or_create_state(newcomer.folder / "var" / "dev.json")
    asyncio.run(prepare(load_dev_settings("http://127.0.0.1:8000", state), state))
    return state


def test_a_password_that_does_not_work_any_more_is_not_printed(newcomer: Operator) -> None:
    state = _prepare(newcomer)
    with closing(sqlite3.connect(newcomer.folder / "var" / "dev.db")) as connection:
        connection.execute("UPDATE users SET hashed_password = 'changed meanwhile'")
        connection.commit()

    with _what_it_prints(newcomer) as printed:
        pass

    assert state.admin_password not in printed
    assert "curl" not in printed
    assert "kept in ./var/dev.json does not sign in" in printed


def test_a_lost_state_file_beside_a_kept_database_gets_one_line(newcomer: Operator) -> None:
    _prepare(newcomer)
    (newcomer.folder / "var" / "dev.json").unlink()

    outcome = newcomer.run("dev")

    assert (outcome.code, outcome.stdout, outcome.stderr.count("\n")) == (2, "", 1)
    assert outcome.stderr.startswith("auth-service: signing key ")
    assert outcome.stderr.endswith(
        ". Put back the var/dev.json that it was made with, or start over with an empty database.\n"
    )


@pytest.mark.parametrize("content", ["", "{", "[]", '{"master_key": "x"}', '"x"', "\0"])
def test_a_damaged_state_file_gets_one_line(newcomer: Operator, content: str) -> None:
    (newcomer.folder / "var").mkdir()
    (newcomer.folder / "var" / "dev.json").write_text(content)

    outcome = newcomer.run("dev")

    assert outcome == Outcome(2, "", DAMAGED)


def test_a_folder_that_cannot_be_made_gets_one_line(newcomer: Operator) -> None:
    (newcomer.folder / "var").write_text("a file in the way")

    outcome = newcomer.run("dev")

    line = "auth-service: var/dev.json cannot be used: File exists. Start in a folder that you may write to.\n"
    assert outcome == Outcome(2, "", line)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("localhost", "http://localhost:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104 - it is not what is printed
        ("::1", "http://[::1]:8000"),
        ("::", "http://[::1]:8000"),
    ],
)
def test_what_is_printed_can_be_reached_wherever_it_listens(host: str, url: str) -> None:
    assert base_url_of(host, 8000) == url
