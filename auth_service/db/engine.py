"""The database of this process: its engine, its transactions and what counts as an outage."""

import os
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import sqlalchemy.exc
from sqlalchemy import Connection, Dialect, event
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState

from auth_service.db.errors import DatabaseUnavailableError
from auth_service.db.hot_statement import HotStatement
from auth_service.db.liveness import watch_liveness
from auth_service.db.session import Session
from auth_service.db.settings import DatabaseSettings
from auth_service.db.silence import SilenceWatch
from auth_service.db.url import parse_database_url

_WRITING = "auth_service_writing"
_BUSY_TIMEOUT_SECONDS = 5
_BUSY_PAUSE_SECONDS = 0.01
_OUTAGE_CLASSES = {"08", "28", "3D", "40", "53", "57"}
_OUTAGE_STATES = {"25006", "25P03", "42501", "42P07", "55000", "55P03"}


class Database:
    """Opens units of work. One per process; close it with `dispose`."""

    def __init__(self, settings: DatabaseSettings, *, may_create: bool = False) -> None:
        """Prepare the engine; nothing is connected yet. Only who `may_create` makes a SQLite file that is missing."""
        self.engine = _create_engine(settings, may_create=may_create)
        patience = settings.connect_timeout.total_seconds()
        self._watch = None if self.is_sqlite else SilenceWatch(self.engine.sync_engine, connect_seconds=patience)
        self._writing_engine = self.engine.execution_options(**{_WRITING: True})
        self._singles = async_sessionmaker(
            self.engine.execution_options(isolation_level="AUTOCOMMIT"), class_=Session, expire_on_commit=False
        )
        readers = async_sessionmaker(self.engine, class_=Session, expire_on_commit=False)
        self._readers = readers if self.is_sqlite else self._singles
        self._writers = async_sessionmaker(self._writing_engine, class_=Session, expire_on_commit=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def transaction(self, *, writing: bool) -> AsyncIterator[Session]:
        """Commit at the end of the block, or roll back when it raises; a connection is taken by the first statement.

        On PostgreSQL a reading one is no transaction at all: at READ COMMITTED each statement sees what is committed
        when it begins, with one or without, and BEGIN and COMMIT are round trips. On SQLite a writing one takes the
        write lock at its start (`BEGIN IMMEDIATE`): one that began by reading could not take it later without losing
        somebody's update.

        Raises DatabaseUnavailableError when the database is away.
        """
        sessions = self._writers if writing else self._readers
        async with _naming_outages(), sessions() as session:
            yield session
            if session.in_transaction() or session.has_insertions:
                await session.commit()

    async def run(self, statement: HotStatement, **parameters: object) -> Sequence[Any] | None:
        """Run one statement that commits by itself and return its row: one round trip instead of three.

        For PostgreSQL only. Raises DatabaseUnavailableError when the database is away.
        """
        async with _naming_outages():
            return await statement.run(self.engine, **parameters)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection that writes and in which nothing has begun, for migrations.

        Raises DatabaseUnavailableError when the database is away.
        """
        async with _naming_outages(), self._writing_engine.connect() as connection:
            yield connection

    def hurry(self) -> None:
        """Let nobody wait for a server that says nothing: from now on requests are served."""
        if self._watch is not None:
            self._watch.hurry()

    async def dispose(self) -> None:
        """Close every connection."""
        if self._watch is not None:
            await self._watch.close()
        await self.engine.dispose()


@asynccontextmanager
async def _naming_outages() -> AsyncIterator[None]:
    """Turn what drivers and pool raise when the database is away into one domain error."""
    try:
        yield
    except (
        sqlalchemy.exc.OperationalError,
        sqlalchemy.exc.InterfaceError,
        sqlalchemy.exc.TimeoutError,
        asyncpg.InternalClientError,  # what the driver says when the server's farewell came before the question
        OSError,
    ) as error:
        raise DatabaseUnavailableError from error
    except sqlalchemy.exc.DBAPIError as error:
        if error.connection_invalidated or _is_outage(error):
            raise DatabaseUnavailableError from error
        raise


def _is_outage(error: sqlalchemy.exc.DBAPIError) -> bool:
    """Say whether the database cannot serve now, or gave way to another transaction: later the same may succeed.

    SQLSTATE classes 08 (connection), 28 (not let in), 3D (no such database), 40 (rolled back), 53 (out of resources)
    and 57 (operator intervention, a statement that took too long); 25P03 (a transaction that idled), 55P03 (somebody
    else's lock), 25006 (a standby), 55000 (closed to connections), 42501 (the role lacks a privilege) and 42P07 (the
    database has a table of that name already). SQLite has names instead. And the driver says by itself that of several
    hosts none is the primary (amid a failover none is), or that the server's farewell came before the question.
    """
    state = getattr(error.orig, "sqlstate", None) or ""
    unreadable_file = getattr(error.orig, "sqlite_errorname", None) in {"SQLITE_NOTADB", "SQLITE_CORRUPT"}
    no_such_host = isinstance(error.orig, AsyncAdapt_asyncpg_dbapi.InternalClientError)
    return state[:2] in _OUTAGE_CLASSES or state in _OUTAGE_STATES or unreadable_file or no_such_host


def _create_engine(settings: DatabaseSettings, *, may_create: bool) -> AsyncEngine:
    address = parse_database_url(settings.url.get_secret_value())
    pool: dict[str, Any] = {
        "pool_size": settings.pool_size,
        "max_overflow": settings.pool_overflow,
        "pool_timeout": settings.connect_timeout.total_seconds(),
        "hide_parameters": True,  # they hold addresses and hashes, and an error's text ends up in the log
    }
    if address.is_sqlite:
        connect_args: dict[str, object] = {"isolation_level": None, "timeout": _BUSY_TIMEOUT_SECONDS}
        engine = create_async_engine(address.url, connect_args=connect_args, **pool)
        if may_create:
            event.listen(engine.sync_engine, "do_connect", _make_sqlite_file)
        event.listen(engine.sync_engine, "do_connect", _try_sqlite)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        event.listen(engine.sync_engine, "reset", _end_sqlite_transaction)
        return engine
    patience = settings.connect_timeout.total_seconds()
    engine = create_async_engine(address.url, connect_args={**address.connect_args, "timeout": patience}, **pool)
    watch_liveness(engine.sync_engine, patience_seconds=patience)
    return engine


def _try_sqlite(_dialect: Dialect, _entry: ConnectionPoolEntry, arguments: list[Any], _more: dict[str, Any]) -> None:
    """See whether the file is there, which SQLite would make, and whether it opens.

    The driver opens it in a thread, and one that fails there may outlive the event loop and end with a traceback.
    """
    path = Path(arguments[0])
    if not path.exists():
        message = f"there is no file {path}, 'auth-service migrate' makes it"
        raise sqlite3.OperationalError(message)
    sqlite3.connect(path).close()


def _make_sqlite_file(
    _dialect: Dialect, _entry: ConnectionPoolEntry, arguments: list[Any], _more: dict[str, Any]
) -> None:
    """Make the file for its owner only, as SQLite does those beside it, and the folder that it is to be in."""
    path = Path(arguments[0])
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
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


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _end_sqlite_transaction(connection: Any, _entry: ConnectionPoolEntry, _state: PoolResetState) -> None:  # noqa: ANN401
    """Let go of the write lock: a COMMIT that fails leaves the transaction open, and the pool takes it for ended."""
    if connection.driver_connection.in_transaction:
        connection.rollback()
