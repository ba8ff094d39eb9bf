"""`--help` and `export-openapi`: what needs neither a setting nor a database."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from auth_service.version import VERSION
from tests.support.commands import ROOT, Operator, Outcome

COMMANDS = ["dev", "serve", "migrate", "create-admin", "doctor", "export-openapi", "clients", "keys"]
HEAVY = {"fastapi", "sqlalchemy", "sqlmodel", "pydantic_settings", "jwt", "passlib", "alembic", "uvicorn", "asyncio"}


def test_help_lists_every_command(operator: Operator) -> None:
    outcome = operator.run("--help")

    assert (outcome.code, outcome.stderr) == (0, "")
    assert [command for command in COMMANDS if f" {command} " not in outcome.stdout] == []
    assert "--install-completion" not in outcome.stdout


def test_it_says_which_version_it_is(operator: Operator) -> None:
    outcome = operator.run("--version")

    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, f"auth-service {VERSION}\n", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(operator: Operator, command: str) -> None:
    outcome = operator.run(command, "--help")

    assert (outcome.code, outcome.stderr) == (0, "")
    assert f"Usage: auth-service {command}" in outcome.stdout.replace("Usage: root", "Usage: auth-service")


@pytest.mark.parametrize(
    "command", [["--help"], ["serve", "--help"], ["clients", "create", "--help"], ["keys", "list", "--help"]]
)
def test_help_imports_nothing_that_takes_long(command: list[str]) -> None:
    outcome = _run_and_name_modules(*command)

    assert outcome.returncode == 0
    assert HEAVY & set(outcome.stderr.split()) == set()


def test_what_serves_loads_nothing_that_colours_terminals() -> None:
    outcome = _run_and_name_modules("serve")

    assert (outcome.returncode, outcome.stderr.partition(":")[0]) == (2, "auth-service")  # nothing is set
    assert {"structlog", "uvicorn"} <= set(outcome.stderr.split())
    assert {"rich.console", "pygments", "segno"} & set(outcome.stderr.split()) == set()


def _run_and_name_modules(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command without any setting, and name on standard error what it imported."""
    code = (
        "import sys; from auth_service.__main__ import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    return subprocess.run([sys.executable, "-c", code, *command], cwd=ROOT, capture_output=True, text=True, check=False)


def test_no_command_at_all_prints_the_help(operator: Operator) -> None:
    outcome = operator.run()

    assert [command for command in COMMANDS if f" {command} " not in outcome.stdout + outcome.stderr] == []


def test_the_api_document_goes_to_standard_output_or_to_a_file(operator: Operator) -> None:
    nothing_set = dict.fromkeys(operator.environment)

    printed = operator.run("export-openapi", **nothing_set)
    written = operator.run("export-openapi", "--output", "openapi.json", **nothing_set)

    document = json.loads(printed.stdout)
    assert (printed.code, printed.stderr, written) == (0, "", Outcome(0, "", ""))
    assert document["openapi"].startswith("3.")
    assert {"/oauth/token", "/users/me", "/items"} <= document["paths"].keys()
    assert (operator.folder / "openapi.json").read_text() == printed.stdout
    assert [path.name for path in operator.folder.iterdir()] == ["openapi.json"]


def test_a_document_that_cannot_be_written_gets_one_line(operator: Operator) -> None:
    outcome = operator.run("export-openapi", "--output", str(Path("nowhere") / "openapi.json"))

    assert outcome == Outcome(2, "", "auth-service: cannot write nowhere/openapi.json: No such file or directory\n")
