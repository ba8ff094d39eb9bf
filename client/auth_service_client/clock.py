"""Time by two clocks at once, because each of them can stop meaning what it should.

The wall clock can be set back, which would make what is old look fresh; the monotonic clock stands still while a
machine sleeps. So what must not be used for too long ends when either of them says so.
"""

from collections.abc import Callable
from time import monotonic, time
from typing import NamedTuple


class Moment(NamedTuple):
    """Now: in seconds since 1970, and in seconds since an arbitrary start that nobody can set."""

    wall: float
    mono: float


class Deadline(NamedTuple):
    """A moment that has passed as soon as either clock has passed it."""

    wall: float
    mono: float

    def passed(self, now: Moment, *, extra: float = 0.0) -> bool:
        """Say whether it is over, `extra` seconds later than was said."""
        return now.mono >= self.mono + extra or now.wall >= self.wall + extra


Clock = Callable[[], Moment]


def read_clock() -> Moment:
    """Return now."""
    return Moment(time(), monotonic())


def deadline_in(now: Moment, seconds: float) -> Deadline:
    """Return the moment that is `seconds` away."""
    return Deadline(now.wall + seconds, now.mono + seconds)
