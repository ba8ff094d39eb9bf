"""Whether a connection of the pool still leads to a PostgreSQL that answers, seen before any work is done with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util import await_only

_FAULTS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

_is_asked: ContextVar[bool] = ContextVar("is_asked", default=True)


@contextmanager
def without_asking() -> Iterator[None]:
    """Save the round trip: for whoever has one statement, and does not wait for its answer without end."""
    reset = _is_asked.set(False)
    try:
        yield
    finally:
        _is_asked.reset(reset)


def watch_liveness(engine: Engine, *, patience_seconds: float) -> None:
    """Replace a connection that is closed, and all of them as soon as one is found whose server fell silent.

    Such a server would be waited for without end. The pool's own ping makes three round trips of one, has no limit, and
    says goodbye to a server that does not answer.
    """

    def check(connection: Any, _entry: ConnectionPoolEntry, _lent: PoolProxiedConnection) -> None:  # noqa: ANN401
        driver: asyncpg.Connection[asyncpg.Record] = connection.driver_connection
        if driver.is_closed():
            raise DisconnectionError
        if _is_asked.get():
            try:
                await_only(driver.execute("SELECT", timeout=patience_seconds))
            except _FAULTS as error:
                driver.terminate()
                raise InvalidatePoolError from error

    event.listen(engine, "checkout", check)
