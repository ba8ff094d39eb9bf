"""How many times a second the documents are answered by which others learn to verify tokens."""

from benchmarks.peers.dialects import BETTER_AUTH, OURS
from benchmarks.peers.field import Case, Field
from benchmarks.peers.load import Stream
from benchmarks.peers.notebook import Mode, Notebook, per_second
from benchmarks.peers.question import BOTH_MODES
from benchmarks.peers.requests import Door
from benchmarks.peers.sections import Section, rates_panel, throughput_table

_DOORS = (Door.JWKS, Door.METADATA)
_GOAL = 5.0


class Documents:
    """The JWKS of both, and the metadata (RFC 8414) of this service, which better-auth has not."""

    name = "documents"
    contenders = (OURS.name, BETTER_AUTH.name)
    modes = BOTH_MODES

    def __init__(self) -> None:
        self._notebook = Notebook()

    def measure(self, field: Field) -> None:
        """As much as is answered."""
        cases = [Case(door, {door: Stream(door)}) for door in _DOORS]
        field.take_turns(cases, self._notebook, self.contenders)

    def section(self) -> Section:
        """Return the rates, and whether they are as far ahead as they should be."""
        text = ["16 connections.", throughput_table(self._notebook)]
        theirs = self._notebook.median(Mode.PINNED, Door.JWKS, BETTER_AUTH.name, per_second)
        goals = {}
        for door in _DOORS:
            times = self._notebook.median(Mode.PINNED, door, OURS.name, per_second) / theirs
            goals[f"{door}: at least {_GOAL:g} times {BETTER_AUTH.name}'s JWKS ({times:.2f})"] = times >= _GOAL
        return Section("Documents", text, [rates_panel(self._notebook, door, door) for door in _DOORS], goals)
