"""The revocation feed of this process: a page now, or as soon as there is something new (docs/revocation-feed.md)."""

import asyncio
import math
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

from auth_service.telemetry.timings import Timings
from auth_service.tokens import jws
from auth_service.tokens.key_ring import KeyRing
from auth_service.tokens.revocations import MAX_PAGE, RevocationPage
from auth_service.tokens.settings import TokenSettings

FEED_TYPE = "revocations+jwt"
MAX_WAIT = timedelta(seconds=10)
MOST_PER_NETWORK = 16
_GOOD_FOR = timedelta(seconds=15)
_TICK = timedelta(milliseconds=250)
_LATELY_SECONDS = 2 * _TICK.total_seconds()

ReadPage = Callable[[int, str | None], Awaitable[RevocationPage]]
IsGone = Callable[[], Awaitable[bool]]
"""Whether somebody who waits has hung up."""


class RevocationFeed:
    """Holds the list, and asks the database only for what is new: one read at a time serves all who came before it.

    So neither many readers nor those who ask for the full list again and again cost the database more than one does.
    Whoever waits holds no connection of the database; while anybody does, there is a read every moment. They need no
    credential, and each has a connection of this process: so there are few places, and fewer for each network.
    """

    def __init__(self, read: ReadPage, *, listed_for: timedelta, places: int) -> None:
        """Read pages by `read`, which takes a number and an epoch; forget entries `listed_for` after their time."""
        self._read = read
        self._listed_for = listed_for
        self._places = places
        self._list: RevocationPage | None = None
        self._reading: asyncio.Task[RevocationPage] | None = None
        self._next_tick: asyncio.Task[RevocationPage] | None = None
        self._waiters: Counter[str | None] = Counter()
        self._untold_since: float | None = None
        self._read_at = -math.inf
        self._released = False
        self.reads = Timings()

    @property
    def waiters(self) -> int:
        """How many wait for news."""
        return self._waiters.total()

    @property
    def length(self) -> int:
        """How many entries the list has."""
        return len(self._list.entries) if self._list else 0

    @property
    def lag_seconds(self) -> float:
        """For how long somebody has asked and no read has succeeded; 0 when everybody has been told."""
        since = self._untold_since
        return 0.0 if since is None else time.monotonic() - since

    async def page(
        self,
        after: int,
        epoch: str | None,
        *,
        wait: timedelta,
        network: str | None = None,
        is_gone: IsGone | None = None,
    ) -> RevocationPage:
        """Return what is behind `after`; when there is nothing, wait for it that long, and then return nothing.

        Who finds no place, for itself or for one more of its `network`, is told at once what those who wait know:
        nobody who follows goes without an answer because others wait. Raises DatabaseUnavailableError.
        """
        if not wait:
            return _cut(await self._refresh(), after, epoch)
        if self.waiters >= self._places or self._waiters[network] >= MOST_PER_NETWORK:
            return _cut(await self._known_lately(), after, epoch)
        self._waiters[network] += 1
        try:
            return await self._wait(after, epoch, wait, is_gone)
        finally:
            self._waiters -= Counter([network])  # which forgets networks that nobody waits from

    def release(self) -> None:
        """Let everybody who waits go, because the process is about to stop."""
        self._released = True

    async def close(self) -> None:
        """Stop reading."""
        tasks = [task for task in (self._next_tick, self._reading) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait(self, after: int, epoch: str | None, wait: timedelta, is_gone: IsGone | None) -> RevocationPage:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait.total_seconds()
        while True:
            known = await self._tick()
            is_news = after != known.seq or epoch not in {None, known.epoch}
            is_over = loop.time() >= deadline or self._released
            if is_news or is_over or (is_gone is not None and await is_gone()):
                return _cut(known, after, epoch)

    async def _known_lately(self) -> RevocationPage:
        """Return the list as of a moment ago, most often without a pause: so a crowd keeps no connection in work."""
        if self._list is not None and time.monotonic() - self._read_at < _LATELY_SECONDS:
            return self._list
        return await self._refresh()

    async def _tick(self) -> RevocationPage:
        """Return the list of a moment later, the same one to all who wait."""

        async def tick() -> RevocationPage:
            await asyncio.sleep(_TICK.total_seconds())
            return await self._refresh()

        if self._next_tick is None or self._next_tick.done():
            self._next_tick = asyncio.create_task(tick())
        return await asyncio.shield(self._next_tick)

    async def _refresh(self) -> RevocationPage:
        """Return the list by a read that began after this call; whoever comes meanwhile shares the next one."""
        before = self._reading
        if before is not None and not before.done():
            await asyncio.wait([before])
        if self._reading is before or self._reading is None:
            self._reading = asyncio.create_task(self._read_news())
        return await asyncio.shield(self._reading)

    async def _read_news(self) -> RevocationPage:
        """Read on from where the list ends; it starts anew when the numbering does."""
        known, began = self._list, time.monotonic()
        self._untold_since = self._untold_since or began
        while True:
            page = await (self._read(known.next, known.epoch) if known else self._read(0, None))
            if known is not None and page.start == known.next and page.epoch == known.epoch:
                page = replace(page, start=known.start, entries=[*known.entries, *page.entries])
            known = page
            if page.next == page.seq:
                break
        oldest = (known.read_at - self._listed_for).timestamp()
        entries = [one for one in known.entries if one.before > oldest]
        self._list = replace(known, start=0, entries=entries)
        self._read_at, self._untold_since = began, None
        self.reads.observe(time.monotonic() - began)
        return self._list


def _cut(known: RevocationPage, after: int, epoch: str | None) -> RevocationPage:
    """Return a page of the list: behind `after`, or from the start when that is not a number of this list's."""
    start = after if after <= known.seq and epoch in {None, known.epoch} else 0
    first = bisect_right(known.entries, start, key=lambda entry: entry.seq)
    entries = known.entries[first : first + MAX_PAGE]
    is_all = first + MAX_PAGE >= len(known.entries)
    return replace(known, start=start, next=known.seq if is_all else entries[-1].seq, entries=entries)


def feed_document(page: RevocationPage, keys: KeyRing, settings: TokenSettings) -> str:
    """Return `page` as a signed document."""
    issued_at = int(page.read_at.timestamp())
    claims: jws.Claims = {
        "iss": settings.issuer,
        "iat": issued_at,
        "exp": issued_at + int(_GOOD_FOR.total_seconds()),
        "epoch": page.epoch,
        "from": page.start,
        "next": page.next,
        "seq": page.seq,
        "keep": int(settings.revocations_matter_for.total_seconds()),
        "entries": [{"kind": entry.kind, "digest": entry.digest, "before": entry.before} for entry in page.entries],
    }
    return jws.sign(claims, keys.active, typ=FEED_TYPE)
