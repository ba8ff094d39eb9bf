"""What a plain read takes while others sign in without pause."""

from collections.abc import Sequence

from benchmarks.installation import table
from benchmarks.peers.dialects import OURS
from benchmarks.peers.field import Case, Field
from benchmarks.peers.load import Stream
from benchmarks.peers.notebook import Mode, Notebook, p50, p99, per_second
from benchmarks.peers.question import BOTH_MODES, EVERYBODY, SIGN_IN_SECONDS
from benchmarks.peers.requests import Door
from benchmarks.peers.sections import Panel, Section

_ALONE, _TOGETHER = "reads alone", "reads with 16 sign-ins"
_READS, _SIGN_INS = "reads", "sign-ins"
_CASES = (_ALONE, _TOGETHER)
_RATE = 100.0
_GOAL = 2.0


class SignInAndReads:
    """`GET /users/me` at a modest rate, without and with 16 connections that sign in."""

    name = "sign-in-and-reads"
    contenders = EVERYBODY
    modes = BOTH_MODES

    def __init__(self) -> None:
        self._notebook = Notebook()

    def measure(self, field: Field) -> None:
        """Both in the same turns."""
        reads = {_READS: Stream(Door.ME, rate=_RATE)}
        both = {**reads, _SIGN_INS: Stream(Door.SIGN_IN)}
        cases = [Case(each, reads if each == _ALONE else both, least_seconds=SIGN_IN_SECONDS) for each in _CASES]
        field.take_turns(cases, self._notebook, self.contenders)

    def section(self) -> Section:
        """Return the times, and whether they grow no more than they may."""
        text = [
            f"`GET /users/me` at {_RATE:g} requests a second, without and with 16 connections that sign in.",
            self._table(),
        ]
        ours = self._growth(Mode.PINNED, OURS.name)
        goal = f"p99 with 16 sign-ins at most {_GOAL:g} times p99 without ({ours:.1f})"
        return Section("Reads while people sign in", text, self._panels(), {goal: ours <= _GOAL})

    def _growth(self, mode: Mode, who: str) -> float:
        alone, together = (self._notebook.median(mode, case, who, p99, stream=_READS) for case in (_ALONE, _TOGETHER))
        return together / alone

    def _table(self) -> str:
        rows: list[Sequence[object]] = []
        for mode in self._notebook.modes():
            for who in self._notebook.who(mode, _TOGETHER):
                times = [
                    f"{self._notebook.median(mode, case, who, read, stream=_READS):,.1f} ms"
                    for case in (_ALONE, _TOGETHER)
                    for read in (p50, p99)
                ]
                sign_ins = self._notebook.median(mode, _TOGETHER, who, per_second, stream=_SIGN_INS)
                rows.append((who, mode, *times, f"{self._growth(mode, who):,.1f}", f"{sign_ins:.1f}"))
        headings = [
            "who",
            "mode",
            "p50 without",
            "p99 without",
            "p50 with",
            "p99 with",
            "p99, times",
            "sign-ins a second",
        ]
        return table(headings, rows)

    def _panels(self) -> list[Panel]:
        mode = next(iter(self._notebook.modes()))
        panels = []
        for case in (_ALONE, _TOGETHER):
            who = self._notebook.who(mode, case)
            bars = {each: self._notebook.median(mode, case, each, p99, stream=_READS) for each in who}
            panels.append(Panel(f"p99: {case} ({mode})", "ms", bars, logarithmic=True))
        return panels
