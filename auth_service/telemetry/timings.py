"""How long something took, counted in buckets: what a room keeps, and whoever is asked for figures reads."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

REQUEST_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Timings:
    """Durations in seconds, by upper bounds. Written by one thread; any other may read, and sees whole numbers."""

    __slots__ = ("_bounds", "_counts", "total_seconds")

    def __init__(self, bounds: Sequence[float] = REQUEST_BOUNDS) -> None:
        """Begin with nothing; `bounds` are in order, and beyond the last one is a bucket for the rest."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total_seconds = 0.0

    def observe(self, seconds: float) -> None:
        """Count one."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self.total_seconds += seconds

    def cumulative(self) -> list[tuple[str, int]]:
        """Return for each upper bound how many took at most that long; the last one is `+Inf`, which is all of them."""
        names = [*(repr(float(bound)) for bound in self._bounds), "+Inf"]
        return list(zip(names, accumulate(self._counts.copy()), strict=True))
