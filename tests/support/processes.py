"""Several processes that do the same at once, forked from a server that has imported this module already."""

import asyncio
import io
import multiprocessing
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import cast
from unittest.mock import patch

from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from auth_service.cli import create_admin, migrate, serve  # noqa: F401 - imported once, before the fork
from auth_service.cli.configuration import load_settings
from auth_service.cli.main import app
from auth_service.db.engine import Database
from auth_service.db.migrations import upgrade
from auth_service.db.settings import DatabaseSettings
from auth_service.db.sqlite import _prepare
from auth_service.wiring.runtime import Runtime
from tests.support.commands import ROOT

_TIMEOUT_SECONDS = 60
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])


class Running:
    """One of them, and what it writes to its standard output and standard error."""

    def __init__(self, process: BaseProcess, output: Connection) -> None:
        self.process = process
        self._output = os.fdopen(os.dup(output.fileno()), encoding="utf-8")
        self.text = ""

    def wait_for(self, sign: str) -> None:
        """Return when it has written a line with `sign`."""
        for line in self._output:
            self.text += line
            if sign in line:
                return
        raise AssertionError(self.text)

    def wait(self) -> int | None:
        """Return its exit code when it has ended."""
        self.text += self._output.read()
        self.process.join(_TIMEOUT_SECONDS)
        return self.process.exitcode

    def close(self) -> None:
        self.process.kill()
        self.process.join()
        self._output.close()


@contextmanager
def running_at_once(do: Callable[..., None], arguments: Sequence[tuple[object, ...]]) -> Iterator[list[Running]]:
    """Call `do` with each of the arguments in a process of its own, all of them from one moment on."""
    _ensure_forkserver()
    start = _context.Barrier(len(arguments))
    running = []
    try:
        for each in arguments:
            reader, writer = _context.Pipe(duplex=False)
            process = _context.Process(target=_wait_and_do, args=(start, writer, do, each))
            process.start()
            running.append(Running(process, reader))
            reader.close()
            writer.close()
        yield running
    finally:
        for each_running in running:
            each_running.close()


def _ensure_forkserver() -> None:
    """Start it where it finds what it is to import, and unmeasured: it outlives the run whose coverage is reported."""
    with chdir(ROOT), patch.dict(os.environ):
        for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
            del os.environ[name]
        forkserver.ensure_running()


def _wait_and_do(start: Barrier, output: Connection, do: Callable[..., None], arguments: tuple[object, ...]) -> None:
    signal.alarm(_TIMEOUT_SECONDS)
    for descriptor in (1, 2):
        os.dup2(output.fileno(), descriptor)
    output.close()
    start.wait()
    do(*arguments)


def migrate_database(url: str) -> None:
    async def run() -> None:
        database = Database(DatabaseSettings.model_validate({"url": url, "connect_timeout": 30}), may_create=True)
        try:
            await upgrade(database)
        finally:
            await database.dispose()

    asyncio.run(run())


def prepare_new_files(folder: Path, count: int, start: float) -> None:
    """Prepare one new SQLite file after the other, each at the moment when the others do."""
    for number in range(count):
        while time.time() < start + 0.01 * number:
            pass
        connection = sqlite3.connect(folder / f"{number}.db", isolation_level=None, timeout=5)
        _prepare(cast("DBAPIConnection", connection), cast("ConnectionPoolEntry", None))
        connection.close()


def run_commands(folder: Path, environment: Mapping[str, str], stdin: str, commands: list[list[str]]) -> None:
    """Do what a replica does: one command after the other; the last one serves until it is told to stop."""
    os.chdir(folder)
    os.environ.update(environment)
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()))
    for command in commands:
        try:
            app(command)
        except SystemExit as end:
            if end.code:
                raise


def load_keys(environment: Mapping[str, str]) -> None:
    """Load the signing keys, as every start does, and write them down, the one that signs first."""
    os.environ.update(environment)

    async def run() -> None:
        runtime = Runtime(load_settings())
        try:
            await runtime.load_keys()
            print(*runtime.keys.published)  # noqa: T201 - this is what the test reads
        finally:
            await runtime.close()

    asyncio.run(run())
