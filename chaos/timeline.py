"""What clients saw of a run: how long nothing was acknowledged, and how many errors a fault cost each of them."""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seen:
    """One request of a client; times are seconds of one monotonic clock.

    `status` is None when no answer came. `is_write` says whether a 2xx acknowledged a write.
    """

    client: int
    what: str
    began: float
    ended: float
    status: int | None
    is_write: bool = True
    expected: bool = True

    @property
    def is_acknowledged(self) -> bool:
        """Whether this is a write that was promised."""
        return self.is_write and self.expected and self.status is not None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything that was seen between two moments."""

    seen: Sequence[Seen]
    began: float
    ended: float

    @property
    def errors(self) -> list[Seen]:
        """Every request without an answer, or with one that was not expected."""
        return [each for each in self.seen if not each.expected]

    @property
    def clients(self) -> list[int]:
        """Whoever was there."""
        return sorted({each.client for each in self.seen})

    def longest_silence(self, *, client: int | None = None) -> float:
        """Return for how many seconds nothing was acknowledged, to anybody or to this client."""
        moments = [
            each.ended for each in self.seen if each.is_acknowledged and (client is None or each.client == client)
        ]
        return longest_gap(moments, since=self.began, until=self.ended)

    def worst_silence(self) -> float:
        """Return the longest time in which some one client got nothing acknowledged."""
        return max((self.longest_silence(client=client) for client in self.clients), default=math.inf)

    def between(self, since: float, until: float) -> "Timeline":
        """Return what ended in this part."""
        return Timeline([each for each in self.seen if since <= each.ended < until], since, until)

    def after_each(self, faults: Sequence[float]) -> list["Timeline"]:
        """Cut at the faults: one part from each to the next one."""
        ends = [*faults[1:], self.ended]
        return [self.between(since, until) for since, until in zip(faults, ends, strict=True)]

    def most_errors_of_a_client(self) -> int:
        """Return how many errors the unluckiest client had."""
        return max(Counter(each.client for each in self.errors).values(), default=0)

    def describe_errors(self) -> str:
        """Say what went wrong, how often."""
        counted = Counter(f"{each.what} {each.status or 'no answer'}" for each in self.errors)
        return ", ".join(f"{count} x {what}" for what, count in counted.most_common())


def longest_gap(moments: Iterable[float], *, since: float, until: float) -> float:
    """Return the longest time between two neighbours, the ends included."""
    line = [since, *sorted(moments), until]
    return max(later - earlier for earlier, later in itertools.pairwise(line))
