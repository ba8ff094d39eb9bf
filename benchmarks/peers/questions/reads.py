"""How many authenticated reads a second, and how long one takes at a rate that everybody can serve."""

from collections.abc import Sequence

from benchmarks.installation import table
from benchmarks.peers.dialects import FASTAPI_USERS, OURS
from benchmarks.peers.field import Case, Field
from benchmarks.peers.load import Stream
from benchmarks.peers.notebook import Mode, Notebook, p50, p99, per_second
from benchmarks.peers.question import BOTH_MODES, EVERYBODY
from benchmarks.peers.requests import Door
from benchmarks.peers.sections import Panel, Section, rates_panel, ratio, throughput_table

_GOALS = {Door.ME: 2.5, Door.ITEM: 2.0}
_SHARE_OF_THE_SLOWEST = 0.6


class Reads:
    """`GET /users/me` and `GET /items/{id}`; with better-auth the session is read, which brings the user."""

    name = "reads"
    contenders = EVERYBODY
    modes = BOTH_MODES

    def __init__(self) -> None:
        self._saturated, self._paced = Notebook(), Notebook()

    def measure(self, field: Field) -> None:
        """First as much as is answered, then the same rate for all: a share of what the slowest answered."""
        doors = list(_GOALS)
        field.take_turns([Case(door, {door: Stream(door)}) for door in doors], self._saturated, self.contenders)
        rates = {door: _SHARE_OF_THE_SLOWEST * self._slowest(field.mode, door) for door in doors}
        paced = [Case(door, {door: Stream(door, rate=rates[door])}) for door in doors]
        field.take_turns(paced, self._paced, self.contenders)

    def section(self) -> Section:
        """Return rates, times at the same rate, and whether both are as far ahead as they should be."""
        text = [
            "16 connections, each of another user, send their next request when the last one is answered.",
            throughput_table(self._saturated),
            f"At the same rate for all, {_SHARE_OF_THE_SLOWEST:.0%} of what the slowest answered:",
            self._paced_table(),
        ]
        panels = [
            *(rates_panel(self._saturated, door, door) for door in _GOALS),
            *(self._paced_panel(door) for door in _GOALS),
        ]
        return Section("Reads", text, panels, self._goals())

    def _slowest(self, mode: Mode, door: Door) -> float:
        return min(self._saturated.median(mode, door, who, per_second) for who in self._saturated.who(mode, door))

    def _paced_table(self) -> str:
        rows: list[Sequence[object]] = []
        for mode, case in self._paced.seen:
            for who in self._paced.who(mode, case):
                rate, first, last = (self._paced.median(mode, case, who, read) for read in (per_second, p50, p99))
                rows.append((case, mode, who, f"{rate:,.0f}", f"{first:.1f} ms", f"{last:.1f} ms"))
        return table(["what", "mode", "who", "a second", "p50", "p99"], rows)

    def _paced_panel(self, door: Door) -> Panel:
        mode = next(iter(self._paced.modes()))
        bars = {who: self._paced.median(mode, door, who, p99) for who in self._paced.who(mode, door)}
        return Panel(f"{door}: p99 at the same rate", "ms", bars)

    def _goals(self) -> dict[str, bool]:
        mode, goals = Mode.PINNED, {}
        for door, times in _GOALS.items():
            reached = ratio(self._saturated, mode, door, FASTAPI_USERS.name)
            goals[f"{door}: at least {times:g} times {FASTAPI_USERS.name} ({reached:.2f})"] = reached >= times
            peers = [who for who in self._saturated.who(mode, door) if who != OURS.name]
            least = min(ratio(self._saturated, mode, door, who) for who in peers)
            goals[f"{door}: ahead of every peer (least: {least:.2f} times)"] = least > 1
            ours, *theirs = (self._paced.median(mode, door, who, p99) for who in self._paced.who(mode, door))
            sentence = f"{door}: p99 below all peers' at the same rate ({ours:.1f} ms, theirs from {min(theirs):.1f})"
            goals[sentence] = ours < min(theirs)
        return goals
