"""How many refreshes a second: each connection goes on with a session of its own."""

from benchmarks.peers.dialects import DJANGO_REST, OURS
from benchmarks.peers.field import Case, Field
from benchmarks.peers.load import Stream
from benchmarks.peers.notebook import Mode, Notebook, per_second
from benchmarks.peers.question import BOTH_MODES
from benchmarks.peers.requests import Door
from benchmarks.peers.sections import Section, rates_panel, throughput_table

_GOAL = 500.0


class Refresh:
    """Here each refresh token is good once, and the next one is what the next request sends."""

    name = "refresh"
    contenders = (OURS.name, DJANGO_REST.name)
    modes = BOTH_MODES

    def __init__(self) -> None:
        self._notebook = Notebook()

    def measure(self, field: Field) -> None:
        """As much as is answered."""
        field.take_turns([Case(Door.REFRESH, {"": Stream(Door.REFRESH)})], self._notebook, self.contenders)

    def section(self) -> Section:
        """Return the rates, and whether ours is high enough."""
        text = (
            "16 connections, each with a session of its own. This service stores each rotation, so that one used "
            "twice is found; SimpleJWT by default checks a signature, and its refresh token stays the same."
        )
        rate = self._notebook.median(Mode.PINNED, Door.REFRESH, OURS.name, per_second)
        goals = {f"at least {_GOAL:g} refreshes a second on one core ({rate:,.0f})": rate >= _GOAL}
        return Section(
            "Refresh",
            [text, throughput_table(self._notebook)],
            [rates_panel(self._notebook, Door.REFRESH, "refreshes")],
            goals,
        )
