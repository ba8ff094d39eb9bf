"""PostgreSQL servers that keep what they promise, and the ways in which they end: alone, or a primary and a standby."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.support.postgres import PostgresServer

DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
FORGETFUL = {**DURABLE, "synchronous_commit": "off", "wal_writer_delay": "2s"}
"""Says that a transaction is committed before it is on the disk, and writes every two seconds."""
_LOOK_SECONDS = 0.01
_GONE_SECONDS = 20.0


class Server(PostgresServer):
    """A primary, by itself or with a standby."""

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._port}"

    def crash(self) -> None:
        """Kill the main process, as the kernel does when memory runs out, and wait until its children have noticed."""
        if self._process is None:
            return
        family = [self._process.pid, *children_of(self._process.pid)]
        self._end(signal.SIGKILL)
        wait_until_gone(family)

    def fall_silent(self) -> Sequence[int]:
        """Freeze with all its children, as a machine does that the network lost; return what `wake` needs."""
        main = self._process.pid if self._process else 0
        family = [main, *children_of(main)]
        for process in family:
            send(process, signal.SIGSTOP)
        return family

    def wake(self, family: Sequence[int]) -> None:
        """Go on as if nothing had been."""
        for process in reversed(family):
            send(process, signal.SIGCONT)


class Standby(Server):
    """A copy of a primary that follows it."""

    def __init__(self, primary: Server) -> None:
        """Prepare; the copy is made by the first `start`."""
        super().__init__(DURABLE)
        self._primary = primary

    def promote(self) -> None:
        """Become the primary; return when it is one."""
        command = ["promote", "--pgdata", str(self._cluster), "--wait"]
        if self._spawn("pg_ctl", *command).wait():
            raise RuntimeError(self._log.read_text())

    def _make_cluster(self) -> None:
        host, _, port = self._primary.address.partition(":")
        source = ["--host", host, "--port", port, "--username", "postgres", "--checkpoint=fast", "--no-sync"]
        copy = self._spawn("pg_basebackup", *source, "--write-recovery-conf", "--pgdata", str(self._cluster))
        if copy.wait():
            raise RuntimeError(self._log.read_text())

    def _is_ready(self, process: "subprocess.Popen[bytes]") -> bool:
        pid_file = self._cluster / "postmaster.pid"
        lines = pid_file.read_text().splitlines() if pid_file.exists() else []
        state = [line.strip() for line in lines[7:]]
        return lines[:1] == [str(process.pid)] and state in (["ready"], ["standby"])


def url_of(*servers: Server) -> str:
    """Return the URL by which the service finds whichever of them is the primary."""
    hosts = "&".join(f"host={server.address}" for server in servers)
    return f"postgresql://postgres@/postgres?{hosts}&target_session_attrs=primary"


def children_of(process: int) -> list[int]:
    """Return the processes that this one has started and that still run."""
    with suppress(FileNotFoundError):
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []


def send(process: int, how: signal.Signals) -> None:
    """Send a signal to a process that may be gone."""
    with suppress(ProcessLookupError):
        os.kill(process, how)


def wait_until_gone(processes: Sequence[int]) -> None:
    """Wait until none of them runs; raises TimeoutError."""
    deadline = time.monotonic() + _GONE_SECONDS
    while any(_runs(process) for process in processes):
        if time.monotonic() > deadline:
            raise TimeoutError(f"of the processes {processes} some do not end")
        time.sleep(_LOOK_SECONDS)


def _runs(process: int) -> bool:
    """Say whether it is there and not merely waiting to be taken note of."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
