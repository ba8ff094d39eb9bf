"""The command line as operators use it: in this process where that is the same and faster, else as a program."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from auth_service.cli.main import app
from auth_service.wiring.runtime import Runtime
from tests.support.ports import free_port
from tests.support.settings import CHEAPEST_SERVABLE_HASHES, make_settings, new_master_key

ROOT = Path(__file__).parents[2]
_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str


class Program:
    """A command that runs by itself; `ready` waits for a line of its output, `stop` for its end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._seen: list[str] = []

    def ready(self, sign: str) -> str:
        """Return what it wrote up to the line with `sign`, on standard error for `serve`, else on standard output."""
        lines = self.process.stderr if sign == "service.ready" else self.process.stdout
        for line in lines or ():
            self._seen.append(line)
            if sign in line:
                return "".join(self._seen)
        raise AssertionError(self.stop())

    def stop(self, signal_number: int | None = None) -> Outcome:
        """Send the signal, if one is given; return everything that `ready` has not returned."""
        if signal_number is not None:
            self.process.send_signal(signal_number)
        stdout, stderr = self.process.communicate(timeout=_TIMEOUT_SECONDS)
        return Outcome(self.process.returncode, stdout, stderr)


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody with a folder, settings that are good, and secrets that must not come out anywhere."""

    folder: Path
    environment: dict[str, str]
    secrets: list[str] = field(default_factory=list)

    def run(self, *command: str, stdin: Any = "", **changes: Any) -> Outcome:
        """Run a command in this process; `changes` to the environment, None takes a variable away."""
        if {*command[:1]} & {"serve", "dev"} and "--port" not in command:
            command = (*command, "--port", str(free_port()))
        result = CliRunner().invoke(app, command, input=stdin, env={**self.environment, **changes})
        if sys.modules.get("rich", self) is None:  # `serve` does without it, and its process ends with it
            del sys.modules["rich"]
        outcome = Outcome(result.exit_code, result.stdout, result.stderr)
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        self.check(outcome)
        return outcome

    def execute(self, *command: str, stdin: str = "", **changes: str) -> Outcome:
        """Run a command as a program to its end."""
        with self.start(*command, **changes) as program:
            stdout, stderr = program.process.communicate(stdin, timeout=_TIMEOUT_SECONDS)
        outcome = Outcome(program.process.returncode, stdout, stderr)
        self.check(outcome)
        return outcome

    @contextmanager
    def start(self, *command: str, **changes: str) -> Iterator[Program]:
        """Start a command as a program that ends with the block at the latest."""
        with self.start_python("-m", "auth_service", *command, **changes) as program:
            yield program

    @contextmanager
    def start_python(self, *arguments: str, **changes: str) -> Iterator[Program]:
        """Start Python in the operator's folder and environment."""
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **self.environment, **changes},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        watchdog = threading.Timer(_TIMEOUT_SECONDS, process.kill)
        watchdog.start()
        try:
            yield Program(process)
        finally:
            watchdog.cancel()
            process.kill()
            with process:
                pass

    def make_signing_key(self) -> None:
        """Make the first signing key, as a server does that starts."""

        async def make() -> None:
            async with Runtime(make_settings(self.environment["AUTH_DATABASE__URL"], security=keys)) as runtime:
                await runtime.load_keys()

        keys: dict[str, object] = {"master_keys": self.environment["AUTH_SECURITY__MASTER_KEYS"]}
        asyncio.run(make())

    def check(self, outcome: Outcome) -> None:
        """Fail when a secret or a traceback came out."""
        text = outcome.stdout + outcome.stderr
        assert "Traceback" not in text, text
        assert [secret for secret in self.secrets if secret in text] == []


def make_operator(folder: Path, database_url: str | None = None) -> Operator:
    key = new_master_key()
    environment = {
        "AUTH_DATABASE__URL": database_url or f"sqlite:///{folder}/auth.db",
        "AUTH_SECURITY__MASTER_KEYS": key,
        "AUTH_TOKENS__ISSUER": "https://auth.example.com",
        **{f"AUTH_HASHING__{name.upper()}": str(value) for name, value in CHEAPEST_SERVABLE_HASHES.items()},
    }
    return Operator(folder, environment, [key])
