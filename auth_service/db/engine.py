"""The database of this process: its engine, its transactions and what counts as an outage."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import sqlalchemy.exc
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker, create_async_engine

from auth_service.db.errors import DatabaseUnavailableError
from auth_service.db.hot_statement import HotStatement
from auth_service.db.liveness import watch_liveness
from auth_service.db.session import Session
from auth_service.db.settings import DatabaseSettings
from auth_service.db.silence import SilenceWatch
from auth_service.db.url import parse_database_url

_WRITING = "auth_service_writing"
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
            if session.in_transaction() or session.insertions:
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
        from auth_service.db.sqlite import create_sqlite_engine  # noqa: PLC0415 - a megabyte for whom it serves

        return create_sqlite_engine(address.url, pool, writing=_WRITING, may_create=may_create)
    patience = settings.connect_timeout.total_seconds()
    engine = create_async_engine(address.url, connect_args={**address.connect_args, "timeout": patience}, **pool)
    watch_liveness(engine.sync_engine, patience_seconds=patience)
    return engine
