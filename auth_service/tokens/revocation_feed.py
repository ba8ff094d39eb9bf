"""The revocation feed of this process: a page now, or as soon as there is something new (docs/revocation-feed.md)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from auth_service.errors import UnavailableError
from auth_service.tokens import jws
from auth_service.tokens.key_ring import KeyRing
from auth_service.tokens.revocations import MAX_PAGE, RevocationPage
from auth_service.tokens.settings import TokenSettings

FEED_TYPE = "revocations+jwt"
MAX_WAIT = timedelta(seconds=10)
MAX_WAITERS = 1000
_GOOD_FOR = timedelta(seconds=15)
_TICK = timedelta(milliseconds=250)
_NEARBY = MAX_PAGE // 2

ReadPage = Callable[[int, str | None], Awaitable[RevocationPage]]


class TooManyWaitersError(UnavailableError):
    """So many wait for news already that one more might cost the others their answers."""

    code = "too_many_waiters"
    detail = "Too many are waiting here already. Ask again in a moment, or without waiting."


class RevocationFeed:
    """While anybody waits, one read after the other serves all who wait; they hold no connection meanwhile."""

    def __init__(self, read: ReadPage) -> None:
        """Read pages by `read`, which takes a number and an epoch."""
        self._read = read
        self._cursors: dict[object, int] = {}
        self._seq = 0
        self._next_read: asyncio.Task[RevocationPage] | None = None
        self._released = False

    async def page(self, after: int, epoch: str | None, *, wait: timedelta) -> RevocationPage:
        """Return what is behind `after`; when there is nothing, wait for it that long, and then return nothing.

        Raises TooManyWaitersError, DatabaseUnavailableError.
        """
        if not wait:
            return await self._read(after, epoch)
        if len(self._cursors) >= MAX_WAITERS:
            raise TooManyWaitersError
        waiter = object()
        self._cursors[waiter] = after
        try:
            return await self._wait(after, epoch, wait)
        finally:
            del self._cursors[waiter]

    def release(self) -> None:
        """Let everybody who waits go, because the process is about to stop."""
        self._released = True

    async def close(self) -> None:
        """Stop reading."""
        if self._next_read is not None:
            self._next_read.cancel()
            await asyncio.wait([self._next_read])

    async def _wait(self, after: int, epoch: str | None, wait: timedelta) -> RevocationPage:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait.total_seconds()
        while True:
            page = await self._read_for_all()
            is_ours = epoch in {None, page.epoch}
            if is_ours and after == page.seq:
                if loop.time() >= deadline or self._released:
                    return replace(page, start=after, next=page.seq, entries=[])
            elif is_ours and page.start <= after < page.seq == page.next:
                return replace(page, start=after, entries=[entry for entry in page.entries if entry.seq > after])
            else:  # far behind, or ahead: that is nobody else's matter
                return await self._read(after, epoch)

    async def _read_for_all(self) -> RevocationPage:
        """Return what the next read gives; whoever asks first starts it."""
        if self._next_read is None or self._next_read.done():
            self._next_read = asyncio.create_task(self._read_in_a_moment())
        return await asyncio.shield(self._next_read)

    async def _read_in_a_moment(self) -> RevocationPage:
        await asyncio.sleep(_TICK.total_seconds())
        # Whoever is far behind reads alone: their long list would leave no room for what the others wait for.
        start = max(min(self._cursors.values(), default=0), self._seq - _NEARBY)
        page = await self._read(start, None)
        self._seq = page.seq
        return page


def feed_claims(page: RevocationPage, settings: TokenSettings) -> jws.Claims:
    """Return the claims of the document that has `page` in it."""
    issued_at = int(page.read_at.timestamp())
    return {
        "iss": settings.issuer,
        "iat": issued_at,
        "exp": issued_at + int(_GOOD_FOR.total_seconds()),
        "epoch": page.epoch,
        "from": page.start,
        "next": page.next,
        "seq": page.seq,
        "keep": int(settings.revocations_matter_for.total_seconds()),
        "entries": [
            {"kind": entry.kind, "digest": entry.digest, "before": int(entry.before.timestamp())}
            for entry in page.entries
        ],
    }


def feed_document(page: RevocationPage, keys: KeyRing, settings: TokenSettings) -> str:
    """Return `page` as a signed document."""
    return jws.sign(feed_claims(page, settings), keys.active, typ=FEED_TYPE)
