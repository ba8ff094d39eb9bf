"""The page of the measurement of growth: medians at each size, their ratio, and which goals are met."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.growth_cases import COUNTS, LISTS, SEARCHES
from benchmarks.installation import percentile, table
from benchmarks.population import Filled

GOAL_MILLISECONDS, GOAL_RATIO, GOAL_SIGN_INS = 10.0, 1.5, 0.95
SIGN_IN = "sign in"
_WITH_GOAL = (LISTS, SEARCHES, COUNTS)
_READING = (
    "Medians of milliseconds over HTTP, one connection. Where other work keeps the machine busy, medians show that as "
    "well; the fastest answers show it least."
)


@dataclass(slots=True)
class Figures:
    """What was seen: milliseconds by group, question and number of users."""

    sizes: Sequence[int]
    filled: dict[int, Filled] = field(default_factory=dict)
    took: defaultdict[tuple[str, str, int], list[float]] = field(default_factory=lambda: defaultdict(list))

    def groups(self) -> Mapping[str, Sequence[str]]:
        """Return the questions of each group, in the order in which they were asked."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for group, name, _ in self.took:
            found[group][name] = None
        return {group: list(names) for group, names in found.items()}

    def median(self, group: str, name: str, size: int) -> float:
        """Return the median of the milliseconds."""
        return percentile(self.took[group, name, size], 0.5)

    def ratio(self, group: str, name: str) -> float:
        """Return how much longer it takes at the largest size than at the smallest."""
        return self.median(group, name, self.sizes[-1]) / self.median(group, name, self.sizes[0])


def report(figures: Figures, *, machine: str, turns: int) -> tuple[str, Sequence[str]]:
    """Return the page, and what misses its goal."""
    largest = f"{figures.sizes[-1]:,}"
    missed = list(_missed(figures))
    parts = [
        "# What growth costs",
        f"{machine} {turns} turns; each asks every size. {_READING}",
        table(("users", "filled in", "database"), [_filled_row(figures, size) for size in figures.sizes]),
        _goals(figures, missed),
    ]
    fastest = (f"fastest at {figures.sizes[0]:,}", f"at {largest}")
    headings = ("", *(f"{size:,}" for size in figures.sizes), f"p99 at {largest}", "ratio", *fastest, "")
    for group, names in figures.groups().items():
        parts += [f"## {group}", table(headings, [_row(figures, group, name, missed) for name in names])]
    return "\n\n".join(parts) + "\n", missed


def _goals(figures: Figures, missed: Sequence[str]) -> str:
    smallest, largest = (f"{size:,}" for size in (figures.sizes[0], figures.sizes[-1]))
    asked = sum(len(names) for group, names in figures.groups().items() if group in _WITH_GOAL) + 1
    verdict = f"**Missed** by {len(missed)} of {asked}, which are marked" if missed else "All are met"
    return (
        f"Goals: each list, search and count at {largest} users at most {GOAL_MILLISECONDS:g} ms and at most "
        f"{GOAL_RATIO:g} times its time at {smallest}; sign-ins a second at least {GOAL_SIGN_INS:g} of those at "
        f"{smallest}. {verdict}."
    )


def _filled_row(figures: Figures, size: int) -> Sequence[str]:
    return f"{size:,}", f"{figures.filled[size].seconds:.0f} s", f"{figures.filled[size].megabytes:,.0f} MB"


def _missed(figures: Figures) -> Sequence[str]:
    largest = figures.sizes[-1]
    slow = [
        name
        for group, names in figures.groups().items()
        for name in names
        if group in _WITH_GOAL
        and (figures.median(group, name, largest) > GOAL_MILLISECONDS or figures.ratio(group, name) > GOAL_RATIO)
    ]
    for group, names in figures.groups().items():
        if SIGN_IN in names and 1 / figures.ratio(group, SIGN_IN) < GOAL_SIGN_INS:
            slow.append(SIGN_IN)
    return slow


def _row(figures: Figures, group: str, name: str, missed: Sequence[str]) -> Sequence[str]:
    medians = [f"{figures.median(group, name, size):.2f}" for size in figures.sizes]
    slowest = percentile(figures.took[group, name, figures.sizes[-1]], 0.99)
    fastest = [f"{min(figures.took[group, name, size]):.2f}" for size in (figures.sizes[0], figures.sizes[-1])]
    verdict = "MISSED" if name in missed else ""
    return name.replace("|", "\\|"), *medians, f"{slowest:.2f}", f"{figures.ratio(group, name):.2f}", *fastest, verdict
