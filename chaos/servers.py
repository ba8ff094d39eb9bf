"""Replicas of the service, each a process with an HTTP server on a port that stays its own."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from chaos.guards import Guard
from tests.support.commands import ROOT
from tests.support.ports import free_port

_READY_SECONDS = 60.0
_LOOK_SECONDS = 0.02
DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL")
"""A command in front of another (util-linux): whatever ends this run, a kill -9 too, ends that one."""


class NotReadyError(Exception):
    """A replica ended or was not ready in time; the message has what it wrote."""


class Replica:
    """One of them; it can be started again after it ended."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, without: Guard | None = None) -> None:
        """Prepare; `without` takes one guard out, which is what a control does."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.name = f"replica-{self.port}"
        self.environment = named(environment, self.name)
        self._log = folder / f"{self.name}.log"
        self._without = without
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """Its process, while it runs."""
        if self._process is None:
            raise NotReadyError(f"the replica on port {self.port} was not started")
        return self._process.pid

    async def start(self) -> None:
        """Begin to start; it is ready when `until_ready` returns."""
        command = ["serve", "--port", str(self.port)]
        self._process = await spawn(command, self.environment, self._log, without=self._without)

    async def until_ready(self) -> None:
        """Wait until it says that requests may come; raises NotReadyError."""
        try:
            async with asyncio.timeout(_READY_SECONDS), httpx.AsyncClient() as client:
                while not await self._is_ready(client):
                    if self._process is None or self._process.returncode is not None:
                        raise NotReadyError(f"a replica ended:\n{self._log.read_text()}")
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise NotReadyError(f"a replica is not ready after a minute:\n{self._log.read_text()}") from None

    async def _is_ready(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.url}/readyz")).is_success
        except httpx.TransportError:
            return False

    async def end(self, how: signal.Signals) -> int:
        """Send the signal, wait for the end and return the exit code."""
        if self._process is None or self._process.returncode is not None:
            return 0
        self._process.send_signal(how)
        return await self._process.wait()

    def resident_kib(self) -> int:
        """Return the memory that it has now."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))

    def descriptors(self) -> int:
        """Return how many it has open."""
        return sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())


async def spawn(
    command: Sequence[str], environment: Mapping[str, str], log: Path, *, without: Guard | None = None, stdin: str = ""
) -> Process:
    """Start a command of the service in the folder of its log."""
    program = ["-m", "auth_service"] if without is None else ["-m", "chaos.guards", without]
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *DIE_WITH_US,
            sys.executable,
            *program,
            *command,
            cwd=log.parent,
            env={**_own_environment(), "PYTHONPATH": str(ROOT), **environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=output,
        )
    if process.stdin is not None:
        process.stdin.write(stdin.encode())
        process.stdin.close()
    return process


def named(environment: Mapping[str, str], name: str) -> dict[str, str]:
    """Return the environment with which the database knows the process by this name."""
    url = environment["AUTH_DATABASE__URL"]
    url += f"{'&' if '?' in url else '?'}application_name={name}"
    return {**environment, "AUTH_DATABASE__URL": url}


def _own_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AUTH_")}
