"""Whether the database can be served from, for whoever asks: anybody may, so few questions have to do for all."""

import asyncio
import math
import time

from auth_service.db.engine import Database
from auth_service.db.errors import SchemaBehindError
from auth_service.db.schema_revision import current_revision, is_behind

_GOOD_FOR_SECONDS = 1.0


class DatabaseReadiness:
    """Asks one question at a time, with one connection of the pool, and shares the answer among all who wait for it.

    That all is well is believed for a second from when it was asked; anything else not at all, so that a database which
    is back is seen at once.
    """

    def __init__(self, database: Database) -> None:
        """Prepare; nothing is asked yet."""
        self._database = database
        self._asking: asyncio.Task[None] | None = None
        self._well_at = -math.inf

    async def check(self) -> None:
        """Raise DatabaseUnavailableError or SchemaBehindError unless the database can be served from."""
        if time.monotonic() - self._well_at < _GOOD_FOR_SECONDS:
            return
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        await asyncio.shield(self._asking)

    async def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self) -> None:
        began = time.monotonic()
        if is_behind(await current_revision(self._database)):
            raise SchemaBehindError
        self._well_at = began
