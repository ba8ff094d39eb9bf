"""Asks the database how much mail waits: seldom, not for long, and never so that a scrape fails."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import structlog

from auth_service.errors import UnavailableError
from auth_service.mail.backlog import Backlog

log = structlog.get_logger()

ASKED_EVERY_SECONDS = 10.0
PATIENCE_SECONDS = 1.0


class OutboxWatch:
    """Keeps the last answer for a while, also that there was none: who scrapes twice as often costs no more."""

    def __init__(self, read: Callable[[], Awaitable[Backlog]], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Ask by `read`; `faults` counts why there was no answer: timeout, unavailable or defect."""
        self._read = read
        self._clock = clock
        self._asked_at: float | None = None
        self._asking: asyncio.Task[Backlog | None] | None = None
        self.faults: Counter[str] = Counter()

    async def answer(self) -> Backlog | None:
        """Return what is known, at most `ASKED_EVERY_SECONDS` old; None when the database did not say."""
        now = self._clock()
        if self._asking is None or self._asked_at is None or now - self._asked_at >= ASKED_EVERY_SECONDS:
            self._asked_at = now
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def close(self) -> None:
        """Stop asking, before the database is closed."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _ask(self) -> Backlog | None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._read()
        except TimeoutError:
            fault = "timeout"
        except UnavailableError:
            fault = "unavailable"
        except Exception:
            log.exception("metrics.outbox_unread")
            fault = "defect"
        self.faults[fault] += 1
        return None
