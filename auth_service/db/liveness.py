"""Whether a connection of the pool still leads to a PostgreSQL that answers, seen before any work is done with it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg
from sqlalchemy import Engine, event
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util import await_only

CONNECTION_FAULTS = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    AsyncAdapt_asyncpg_dbapi.Error,
)
"""What the driver, or SQLAlchemy for it, raises of a connection that is not what it was, or not what was wanted."""

_FRESH_SECONDS = 1
_ANSWERED = "answered_at"

_is_asked: ContextVar[bool | None] = ContextVar("is_asked", default=None)


@contextmanager
def asking(*, always: bool) -> Iterator[None]:
    """Save the round trip, or never save it.

    The first is for whoever has one statement, and does not wait for its answer without end; the second for whoever has
    just met a connection that was lost: the others of the pool may be as well.
    """
    reset = _is_asked.set(always)
    try:
        yield
    finally:
        _is_asked.reset(reset)


def watch_liveness(engine: Engine, *, patience_seconds: float) -> None:
    """Replace a connection that is closed, and all of them as soon as one is found whose server fell silent.

    A connection that was given back within the last second is taken as it is. Others are asked: the pool's own ping
    makes three round trips of one, has no limit, and says goodbye to a server that does not answer.
    """

    def check(connection: Any, entry: ConnectionPoolEntry, _lent: PoolProxiedConnection) -> None:  # noqa: ANN401
        driver: asyncpg.Connection[asyncpg.Record] = connection.driver_connection
        if driver.is_closed():
            raise DisconnectionError
        is_fresh = time.monotonic() - entry.info.get(_ANSWERED, float("-inf")) < _FRESH_SECONDS
        is_asked = _is_asked.get()
        if not is_fresh if is_asked is None else is_asked:
            try:
                await_only(driver.execute("SELECT", timeout=patience_seconds))
            except CONNECTION_FAULTS as error:
                driver.terminate()
                raise InvalidatePoolError from error

    def note(_connection: Any, entry: ConnectionPoolEntry) -> None:  # noqa: ANN401
        entry.info[_ANSWERED] = time.monotonic()

    event.listen(engine, "checkout", check)
    event.listen(engine, "checkin", note)
