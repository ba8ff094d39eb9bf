"""A question's part of the report: text, tables, bars for its picture, and goals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.installation import table
from benchmarks.peers.dialects import OURS
from benchmarks.peers.notebook import Mode, Notebook, busy, p50, p99, per_second


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars side by side in a picture; with `logarithmic` each line is ten times the one before."""

    title: str
    unit: str
    bars: Mapping[str, float]
    logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """What a question has to say."""

    title: str
    text: Sequence[str]
    panels: Sequence[Panel] = ()
    goals: Mapping[str, bool] = field(default_factory=dict)


def throughput_table(notebook: Notebook) -> str:
    """Return every case of the notebook, as rates and times under as much load as is answered.

    The last columns tell a server that was the limit from one that had to wait: for the load, or for its core.
    """
    rows = []
    for mode, case in notebook.seen:
        for who in notebook.who(mode, case):
            rate, first, last, used = (notebook.median(mode, case, who, read) for read in (per_second, p50, p99, busy))
            times = (f"{first:,.1f} ms", f"{last:,.1f} ms", f"{used:.2f}", f"{rate / used:,.0f}") if used else [""] * 4
            rows.append((case, mode, who, f"{rate:,.1f}", ratio_to(notebook, mode, case, who), *times))
    headings = ["what", "mode", "who", "a second", "ours / theirs", "p50", "p99", "cores used", "a core-second"]
    return table(headings, rows)


def ratio_to(notebook: Notebook, mode: Mode, case: str, who: str) -> str:
    """Return how many times as many this service answers, where it was measured too."""
    if who == OURS.name or not notebook.has(mode, case, OURS.name):
        return ""
    return f"{ratio(notebook, mode, case, who):.2f}"


def ratio(notebook: Notebook, mode: Mode, case: str, who: str) -> float:
    """Return how many times as many this service answers."""
    ours, theirs = (notebook.median(mode, case, each, per_second) for each in (OURS.name, who))
    return ours / theirs


def rates_panel(notebook: Notebook, case: str, title: str) -> Panel:
    """Return the pinned rates as bars."""
    mode = next(iter(notebook.modes()))
    bars = {who: notebook.median(mode, case, who, per_second) for who in notebook.who(mode, case)}
    return Panel(f"{title} ({mode})", "a second", bars)
