"""A replica from its very beginning: it migrates, creates the administrator if there is none, and serves."""

import signal
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path

from chaos.guards import Guard
from chaos.installation import ADMINISTRATOR, PASSWORD, CommandFailedError
from chaos.servers import Replica, spawn

_COMMANDS = (
    (["migrate"], ""),
    (["create-admin", "--if-none", "--email", ADMINISTRATOR, "--password-stdin"], f"{PASSWORD}\n"),
)


class Newcomer:
    """One that begins beside others, and can begin again."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, without: Guard | None) -> None:
        """Prepare; `without` takes one guard out of everything that it does."""
        self.replica = Replica(folder, environment, without=without)
        self.is_ready = False
        self._log = folder / f"{self.replica.name}.commands"
        self._without = without
        self._process: Process | None = None

    async def begin(self) -> None:
        """Do everything in turn; raises CommandFailedError, NotReadyError."""
        for command, stdin in _COMMANDS:
            self._process = await spawn(
                command, self.replica.environment, self._log, without=self._without, stdin=stdin
            )
            if await self._process.wait():
                raise CommandFailedError(f"{command[0]} failed:\n{self._log.read_text()}")
        await self.replica.start()
        await self.replica.until_ready()
        self.is_ready = True

    async def kill(self) -> None:
        """End whatever it is at."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await self.replica.end(signal.SIGKILL)
