"""How many items a second are created, and how many are changed."""

from benchmarks.peers.dialects import DJANGO_REST, FASTAPI_USERS, OURS
from benchmarks.peers.field import Case, Field
from benchmarks.peers.load import Stream
from benchmarks.peers.notebook import Mode, Notebook
from benchmarks.peers.question import BOTH_MODES
from benchmarks.peers.requests import Door
from benchmarks.peers.sections import Section, rates_panel, ratio, throughput_table

_DOORS = (Door.CREATE, Door.UPDATE)
_GOAL = 2.0


class Writes:
    """An item with a title, a description and a price; the change is of the price."""

    name = "writes"
    contenders = (OURS.name, FASTAPI_USERS.name, DJANGO_REST.name)
    modes = BOTH_MODES

    def __init__(self) -> None:
        self._notebook = Notebook()

    def measure(self, field: Field) -> None:
        """As much as is answered."""
        cases = [Case(door, {door: Stream(door)}) for door in _DOORS]
        field.take_turns(cases, self._notebook, self.contenders)

    def section(self) -> Section:
        """Return rates, and whether they are as far ahead as they should be."""
        text = ["16 connections, each of another user with an item of its own.", throughput_table(self._notebook)]
        goals = {}
        for door in _DOORS:
            reached = ratio(self._notebook, Mode.PINNED, door, FASTAPI_USERS.name)
            goals[f"{door}: at least {_GOAL:g} times {FASTAPI_USERS.name} ({reached:.2f})"] = reached >= _GOAL
        return Section("Writes", text, [rates_panel(self._notebook, door, door) for door in _DOORS], goals)
