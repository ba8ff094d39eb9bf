"""Where attempts are counted: what every such place does, and the one that is this process's own memory."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

_MOST_ENTRIES = 200_000  # some 40 MB


class StoreAwayError(Exception):
    """The store does not answer; the text says what went wrong, and no address. Not a refusal: nobody is refused."""


@dataclass(frozen=True, slots=True)
class Counter:
    """How many attempts one key may have in a window of seconds, which begins with the first of them.

    While `unless` is marked, the key has no limit.
    """

    key: str
    limit: int
    window: float
    unless: str | None = None


class CounterStore(Protocol):
    """Counts for any number of callers at once. Durations are in seconds."""

    @property
    def is_away(self) -> bool:
        """Whether it did not answer when it was last asked, and something else counts."""

    async def count(self, counters: Sequence[Counter]) -> float | None:
        """Count one attempt on each and return None; no other caller can come in between.

        When one of them is full, the attempt is not allowed: then none is counted, so that whoever goes on trying
        lengthens nothing and costs no write, and the time until all have room again is returned.
        """

    async def succeed(self, *, clear: str, mark: str, lasting: float) -> None:
        """Forget the count of `clear`, and mark `mark` for that long."""

    async def check(self) -> None:
        """Raise StoreAwayError when it does not answer."""

    async def close(self) -> None:
        """Give back connections."""


def seconds_until_room(counters: Sequence[Counter], counts: Mapping[str, tuple[int, float]]) -> float | None:
    """Return how long the counters that are full stay full, or None when all have room.

    `counts` has the count and the remaining seconds of every window that is open, and of every mark.
    """
    limited = [each for each in counters if each.unless not in counts]
    return max(
        (counts[each.key][1] for each in limited if each.key in counts and counts[each.key][0] >= each.limit),
        default=None,
    )


class MemoryStore:
    """Counts in this process alone. It forgets what is over, and the oldest when there is too much."""

    is_away = False

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, most: int = _MOST_ENTRIES) -> None:
        """Begin with nothing."""
        self._clock = clock
        self._most = most
        self._entries: OrderedDict[str, tuple[int, float]] = OrderedDict()

    async def count(self, counters: Sequence[Counter]) -> float | None:
        """Count; there is no await inside, so nobody comes in between."""
        now = self._clock()
        keys = [key for each in counters for key in (each.key, each.unless) if key]
        open_ones = {key: entry for key in keys if (entry := self._entries.get(key)) and entry[1] > now}
        wait = seconds_until_room(counters, {key: (count, end - now) for key, (count, end) in open_ones.items()})
        if wait is None:
            for each in counters:
                if each.unless not in open_ones:
                    count, expires_at = open_ones.get(each.key, (0, now + each.window))
                    self._write(each.key, count + 1, expires_at)
        return wait

    async def succeed(self, *, clear: str, mark: str, lasting: float) -> None:
        """Forget one and mark the other."""
        self._entries.pop(clear, None)
        self._write(mark, 1, self._clock() + lasting)

    async def check(self) -> None:
        """Memory is always there."""

    async def close(self) -> None:
        """Do nothing: memory needs no closing."""

    def forget_all(self) -> None:
        """Begin anew."""
        self._entries.clear()

    def _write(self, key: str, count: int, expires_at: float) -> None:
        self._entries[key] = (count, expires_at)
        self._entries.move_to_end(key)
        while len(self._entries) > self._most:
            self._entries.popitem(last=False)
