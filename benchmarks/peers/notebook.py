"""What was measured: the figures of every repetition, and their medians."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median

from benchmarks.peers.load import Figures


class Mode(StrEnum):
    """Where the processes run."""

    PINNED = "pinned"
    UNPINNED = "unpinned"


Read = Callable[[Figures], float]


@dataclass(slots=True)
class Notebook:
    """Figures by mode, case, contender and stream, in the order in which they were first seen."""

    seen: dict[tuple[Mode, str], dict[str, dict[str, list[Figures]]]] = field(default_factory=dict)

    def add(self, mode: Mode, case: str, who: str, figures: Mapping[str, Figures]) -> None:
        """Note one repetition."""
        streams = self.seen.setdefault((mode, case), {}).setdefault(who, defaultdict(list))
        for name, each in figures.items():
            streams[name].append(each)

    def has(self, mode: Mode, case: str, who: str) -> bool:
        """Say whether this was measured."""
        return who in self.seen.get((mode, case), {})

    def who(self, mode: Mode, case: str) -> Sequence[str]:
        """Return who was measured, this service first."""
        return list(self.seen.get((mode, case), {}))

    def median(self, mode: Mode, case: str, who: str, read: Read, *, stream: str = "") -> float:
        """Return the median of one figure over the repetitions; without a name the only stream is meant."""
        streams = self.seen[mode, case][who]
        repetitions = streams[stream] if stream else next(iter(streams.values()))
        return median(read(each) for each in repetitions)

    def modes(self) -> Sequence[Mode]:
        """Return the modes that were measured in."""
        return [mode for mode in Mode if any(mode is each for each, _ in self.seen)]


def per_second(figures: Figures) -> float:
    """Read the rate."""
    return figures.per_second


def p50(figures: Figures) -> float:
    """Read the median time, in milliseconds."""
    return figures.p50


def p99(figures: Figures) -> float:
    """Read the time that one in a hundred exceeds, in milliseconds."""
    return figures.p99


def busy(figures: Figures) -> float:
    """Read how many cores the server used."""
    return figures.busy
