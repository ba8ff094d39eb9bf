"""Several processes that do the same at once."""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.synchronize import Barrier

from auth_service.db.engine import Database
from auth_service.db.migrations import upgrade
from auth_service.db.settings import DatabaseSettings

_TIMEOUT_SECONDS = 60


def run_at_once(count: int, do: Callable[[str], None], argument: str) -> list[int | None]:
    """Run `do(argument)` in `count` processes, all from one moment on; return their exit codes.

    They are forked from a server that has imported this module, so that none costs a start of Python.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    start = context.Barrier(count)
    processes = [context.Process(target=_wait_and_do, args=(start, do, argument)) for _ in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(_TIMEOUT_SECONDS)
    return [process.exitcode for process in processes]


def migrate(url: str) -> None:
    async def run() -> None:
        database = Database(DatabaseSettings.model_validate({"url": url, "connect_timeout": 30}))
        try:
            await upgrade(database)
        finally:
            await database.dispose()

    asyncio.run(run())


def _wait_and_do(start: Barrier, do: Callable[[str], None], argument: str) -> None:
    signal.alarm(_TIMEOUT_SECONDS)
    sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - the exit code tells; it is the process's last file
    start.wait()
    do(argument)
