"""The second database, for reads that may lag: lists are read there while it answers."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import sqlalchemy.exc
import structlog
from pydantic import SecretStr
from sqlalchemy import text

from auth_service.db.engine import Database
from auth_service.db.errors import DatabaseUnavailableError
from auth_service.db.session import Session
from auth_service.db.settings import DatabaseSettings

log = structlog.get_logger()

Result = TypeVar("Result")
Ask = Callable[[Session], Awaitable[Result]]

_LONGEST_CONNECT = timedelta(seconds=1)
_LONGEST_READ_SECONDS = 10.0  # for a server that falls silent in the middle; the slowest list takes a fraction of it
_PAUSE_SECONDS = 5.0


class ReplicaAwayError(Exception):
    """The replica does not serve now. Not a refusal: the primary is asked instead."""


class Replica:
    """A copy of the database with a pool of its own. While it is away, it is tried now and again by one read only."""

    def __init__(
        self, settings: DatabaseSettings, url: SecretStr, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare the engine; nothing is connected yet."""
        patience = min(settings.connect_timeout, _LONGEST_CONNECT)
        self.database = Database(settings.model_copy(update={"url": url, "connect_timeout": patience}))
        self._clock = clock
        self._is_away = False
        self._tried_again_at = 0.0

    @property
    def is_away(self) -> bool:
        """Whether the primary answers in its place."""
        return self._is_away

    async def read(self, ask: Ask[Result]) -> Result:
        """Return what `ask` reads; raises ReplicaAwayError."""
        if self._is_away:
            if self._clock() < self._tried_again_at:
                raise ReplicaAwayError
            self._tried_again_at = self._clock() + _PAUSE_SECONDS  # the others need not wait for what this one finds
        async with self._noticing_outages(), _deadline(), self.database.transaction(writing=False) as session:
            found = await ask(session)
        if self._is_away:
            self._is_away = False
            log.info("read_replica.back")
        return found

    async def is_itself(self, primary: Database) -> bool:
        """Say whether it is no copy: the same cluster and database, and not a standby. Raises what the two raise."""
        here, there = [await _identify(database) for database in (self.database, primary)]
        return here == there

    @asynccontextmanager
    async def _noticing_outages(self) -> AsyncIterator[None]:
        """Take every fault for an outage: if it is the statement's own, the primary says so as well.

        A standby ends what is in the way of its recovery, and may lack a column that was added a moment ago.
        """
        try:
            yield
        except (DatabaseUnavailableError, sqlalchemy.exc.DBAPIError, TimeoutError) as error:
            self._tried_again_at = self._clock() + _PAUSE_SECONDS
            if not self._is_away:
                self._is_away = True
                log.warning("read_replica.away", reason=_describe(error))
            raise ReplicaAwayError from error


@dataclass(frozen=True, slots=True)
class Lists:
    """Where a unit of work reads its lists: on the replica, if there is one that answers, else in `session`."""

    session: Session
    replica: Replica | None = None

    async def read(self, ask: Ask[Result]) -> Result:
        """Return what `ask` reads; the connection to the primary is given back before the replica is waited for."""
        if self.replica is None:
            return await ask(self.session)
        await self.session.release()
        try:
            return await self.replica.read(ask)
        except ReplicaAwayError:
            return await ask(self.session)


async def _identify(database: Database) -> tuple[object, ...]:
    """Return what tells databases apart: a standby has its primary's identifier, but is in recovery."""
    async with database.transaction(writing=False) as session:
        identifier = text("SELECT system_identifier, current_database(), pg_is_in_recovery() FROM pg_control_system()")
        return tuple((await (await session.connection()).execute(identifier)).one())


@asynccontextmanager
async def _deadline() -> AsyncIterator[None]:
    """End a read of a server that fell silent; there are two because the first one waits for that server's goodbye."""
    async with asyncio.timeout(1.1 * _LONGEST_READ_SECONDS), asyncio.timeout(_LONGEST_READ_SECONDS):
        yield


def _describe(error: Exception) -> str:
    """Return what the driver says, without the lines below it that may repeat a row."""
    cause = error.__cause__ if isinstance(error, DatabaseUnavailableError) else error
    source = getattr(cause, "orig", None) or cause
    return f"{type(source).__name__}: {source}".partition("\n")[0]
