"""How connections to SQLite are made, and how transactions begin and end there."""

import os
import sqlite3
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Dialect, event
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState

_BUSY_TIMEOUT_SECONDS = 5
_BUSY_PAUSE_SECONDS = 0.01


def create_sqlite_engine(url: URL, pool: dict[str, Any], *, writing: str, may_create: bool) -> AsyncEngine:
    """Return an engine whose transactions take the write lock at their start where the option `writing` is set."""
    connect_args: dict[str, object] = {"isolation_level": None, "timeout": _BUSY_TIMEOUT_SECONDS}
    engine = create_async_engine(url, connect_args=connect_args, **pool)
    if may_create:
        event.listen(engine.sync_engine, "do_connect", _make_file)
    event.listen(engine.sync_engine, "do_connect", _try)
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", partial(_begin, writing=writing))
    event.listen(engine.sync_engine, "reset", _end_transaction)
    return engine


def _try(_dialect: Dialect, _entry: ConnectionPoolEntry, arguments: list[Any], _more: dict[str, Any]) -> None:
    """See whether the file is there, which SQLite would make, and whether it opens.

    The driver opens it in a thread, and one that fails there may outlive the event loop and end with a traceback.
    """
    path = Path(arguments[0])
    if not path.exists():
        message = f"there is no file {path}, 'auth-service migrate' makes it"
        raise sqlite3.OperationalError(message)
    sqlite3.connect(path).close()


def _make_file(_dialect: Dialect, _entry: ConnectionPoolEntry, arguments: list[Any], _more: dict[str, Any]) -> None:
    """Make the file for its owner only, as SQLite does those beside it, and the folder that it is to be in."""
    path = Path(arguments[0])
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    try:
        for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL"):
            _execute_patiently(cursor, f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()  # the pool has not taken it yet, so nobody else ends its thread
        raise
    cursor.close()


def _execute_patiently(cursor: DBAPICursor, statement: str) -> None:
    """Try again while another process changes the mode of a new file: SQLite does not wait for that by itself."""
    deadline = time.monotonic() + _BUSY_TIMEOUT_SECONDS
    while True:
        try:
            cursor.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(_BUSY_PAUSE_SECONDS)
        else:
            return


def _begin(connection: Connection, *, writing: str) -> None:
    is_writing = connection.get_execution_options().get(writing, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def _end_transaction(connection: Any, _entry: ConnectionPoolEntry, _state: PoolResetState) -> None:  # noqa: ANN401
    """Let go of the write lock: a COMMIT that fails leaves the transaction open, and the pool takes it for ended."""
    if connection.driver_connection.in_transaction:
        connection.rollback()
