"""Counts finished requests by route, method and status: the part of the metrics that every request pays for."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from auth_service.telemetry.connection_tally import ConnectionTally
from auth_service.telemetry.timings import Timings

UNMATCHED = "(none)"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER = "(other)"

_Request = tuple[str, str, int]


class RequestMeter:
    """`outages` are the answers with 503 by what was missing; whoever renders them counts them.

    `connections` are counted by the server: much that is refused there never becomes a request.

    The label is the route's template: a path has ids in it, and strangers could make as many labels as they like.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._counts: dict[_Request, int] = {}
        self.outages: Counter[str] = Counter()
        self.connections = ConnectionTally()
        self._timings: dict[tuple[str, str], Timings] = {}

    def finished(self, scope: Mapping[str, Any], status: int, seconds: float) -> None:
        """Count a request; `status` is 0 when its caller was gone before there was an answer."""
        route = scope.get("route")
        path: str = UNMATCHED if route is None else route.path
        method = scope["method"]
        if method not in _METHODS:
            method = _OTHER
        counted = (path, method, status)
        try:
            self._counts[counted] += 1
            self._timings[path, method].observe(seconds)
        except KeyError:
            self._count_first(counted, seconds)

    def _count_first(self, counted: _Request, seconds: float) -> None:
        self._counts.setdefault(counted, 1)
        self._timings.setdefault(counted[:2], Timings()).observe(seconds)

    def counts(self) -> Mapping[_Request, int]:
        """Return how many there were of each route, method and status; from any thread."""
        return self._counts.copy()

    def timings(self) -> Mapping[tuple[str, str], Timings]:
        """Return how long each route took, by method; from any thread."""
        return self._timings.copy()
