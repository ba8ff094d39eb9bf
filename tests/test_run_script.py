"""Tests of the script `run`, in a made-up clone with a Python that only pretends to install."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ("cat", "cksum", "cp", "dirname", "grep", "mkdir", "mv", "rm", "sh")
LOCK_FILES = ("uv.txt", "runtime.txt", "dev.txt")

# Does what the script asks of a Python, quickly: the real one answers its questions, while making the environment and
# installing into it are noted in the file `calls`. The environment's own Python is a copy of this file.
FAKE_PYTHON = f"""#!/bin/sh
case "$1 $2" in
"-c import ensurepip"*) [ ! -e no-venv ] ;;
-c*) exec '{sys.executable}' "$@" ;;
"-m venv") echo "$2 $3 $4" >>calls; mkdir -p .venv/bin; cp "$0" .venv/bin/python; cp "$0" .venv/bin/uv ;;
"-m pip") for last; do :; done; echo "pip $last" >>calls; [ ! -e offline ] ;;
"pip sync") for last; do :; done; echo "uv $last" >>calls; [ ! -e offline ] && [ ! -e no-uv ] ;;
*) echo "ran $*"; exit 7 ;;
esac
"""
OLD_PYTHON = "#!/bin/sh\nexit 1\n"

MAKING = "run: making the environment in .venv (once)...\n"
UPDATING = "run: bringing the environment in .venv up to date...\n"


class Clone:
    """A folder with the script and lock files, and a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a clone"
        self.programs = folder / "bin"
        for path in (self.root / "requirements", self.programs):
            path.mkdir(parents=True)
        shutil.copy(ROOT / "run", self.root)
        for name in LOCK_FILES:
            (self.root / "requirements" / name).write_text(f"{name}\n")
        for name in TOOLS:
            (self.programs / name).symlink_to(shutil.which(name) or name)
        self.provide("python3", FAKE_PYTHON)

    def provide(self, name: str, script: str) -> Path:
        program = self.programs / name
        program.write_text(script)
        program.chmod(0o755)
        return program

    def command(self, *arguments: str) -> list[str]:
        return [str(self.root / "run"), *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": str(self.programs), **more}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd="/",
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self) -> list[str]:
        """Return what was made and installed since the last question."""
        calls = self.root / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        calls.unlink(missing_ok=True)
        return lines


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_the_first_call_makes_the_environment_and_runs_the_command(clone: Clone) -> None:
    result = clone.run("dev", "--port", "a  b")

    assert (result.stdout, result.stderr, result.returncode) == ("ran -m auth_service dev --port a  b\n", MAKING, 7)
    assert clone.calls() == ["venv --clear .venv", "pip requirements/uv.txt", "uv requirements/runtime.txt"]


def test_the_second_call_only_runs_the_command(clone: Clone) -> None:
    clone.run("dev")
    clone.calls()

    result = clone.run("dev")

    assert (result.stdout, result.stderr) == ("ran -m auth_service dev\n", "")
    assert clone.calls() == []


def test_no_arguments_ask_for_help(clone: Clone) -> None:
    result = clone.run()

    assert result.stdout == "ran -m auth_service --help\n"


def test_the_tests_add_their_tools_which_then_serve_for_every_command(clone: Clone) -> None:
    clone.run("dev")
    clone.calls()

    tests = clone.run("test", "-k", "one or two")
    command = clone.run("dev")

    assert (tests.stdout, tests.stderr) == ("ran -m pytest -k one or two\n", UPDATING)
    assert (command.stdout, command.stderr) == ("ran -m auth_service dev\n", "")
    assert clone.calls() == ["pip requirements/uv.txt", "uv requirements/dev.txt"]


def test_a_changed_lock_file_is_installed_and_the_test_tools_stay(clone: Clone) -> None:
    clone.run("test")
    clone.calls()
    (clone.root / "requirements" / "runtime.txt").write_text("changed\n")

    result = clone.run("dev")

    assert result.stderr == UPDATING
    assert clone.calls() == ["pip requirements/uv.txt", "uv requirements/dev.txt"]


def test_an_interrupted_environment_is_made_anew(clone: Clone) -> None:
    (clone.root / "offline").touch()
    clone.run("dev")
    clone.calls()
    (clone.root / "offline").unlink()

    result = clone.run("dev")

    assert result.stderr == MAKING
    assert clone.calls() == ["venv --clear .venv", "pip requirements/uv.txt", "uv requirements/runtime.txt"]


def test_an_interrupted_update_is_made_anew(clone: Clone) -> None:
    runtime = clone.root / "requirements" / "runtime.txt"
    before = runtime.read_text()
    clone.run("dev")
    runtime.write_text("changed\n")
    (clone.root / "offline").touch()
    clone.run("dev")
    runtime.write_text(before)
    (clone.root / "offline").unlink()

    result = clone.run("dev")

    assert result.stderr == MAKING


def test_two_calls_at_once_make_one_environment(clone: Clone) -> None:
    both = [
        subprocess.Popen(clone.command("dev"), env=clone.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]

    answers = sorted(process.communicate() for process in both)

    ran = b"ran -m auth_service dev\n"
    assert answers == [(ran, b""), (ran, MAKING.encode())]
    assert clone.calls() == ["venv --clear .venv", "pip requirements/uv.txt", "uv requirements/runtime.txt"]


def test_pip_installs_when_uv_cannot(clone: Clone) -> None:
    (clone.root / "no-uv").touch()

    result = clone.run("dev")

    slower = "run: uv could not install the packages, so pip tries, which is slower...\n"
    assert (result.stdout, result.stderr) == ("ran -m auth_service dev\n", MAKING + slower)
    assert clone.calls()[-2:] == ["uv requirements/runtime.txt", "pip requirements/runtime.txt"]


def test_packages_that_cannot_be_installed_end_the_call_with_advice(clone: Clone) -> None:
    (clone.root / "offline").touch()

    result = clone.run("dev")

    advice = "run: the packages could not be installed: see the error above, check the network and run this again.\n"
    assert (result.stdout, result.stderr, result.returncode) == ("", MAKING + advice, 2)


def test_a_python_that_is_too_old_is_refused_in_one_sentence(clone: Clone) -> None:
    clone.provide("python3", OLD_PYTHON)

    result = clone.run("dev")

    sentence = (
        "run: Python 3.11 or newer is needed and was not found (tried: python3 python3.14 python3.13 python3.12 "
        "python3.11): install it or name it with PYTHON=/path/to/python3.\n"
    )
    assert (result.stdout, result.stderr, result.returncode) == ("", sentence, 2)


def test_a_newer_python_is_found_beside_one_that_is_too_old(clone: Clone) -> None:
    clone.provide("python3", OLD_PYTHON)
    clone.provide("python3.12", FAKE_PYTHON)

    result = clone.run("dev")

    assert result.stdout == "ran -m auth_service dev\n"


def test_the_environment_can_name_the_python(clone: Clone) -> None:
    clone.provide("python3", OLD_PYTHON)
    named = clone.provide("my python", FAKE_PYTHON)

    result = clone.run("dev", PYTHON=str(named))

    assert result.stdout == "ran -m auth_service dev\n"


def test_a_missing_venv_module_is_refused_in_one_sentence(clone: Clone) -> None:
    (clone.root / "no-venv").touch()

    result = clone.run("dev")

    sentence = (
        "run: python3 has no venv module: install it (Debian, Ubuntu: apt install python3-venv) or name another "
        "Python with PYTHON=/path/to/python3.\n"
    )
    assert (result.stdout, result.stderr, result.returncode) == ("", sentence, 2)
