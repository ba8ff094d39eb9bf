"""Everybody who is measured in one mode, and the turns that they take."""

import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.peers.contenders import Contender
from benchmarks.peers.load import Figures, LoadGenerator, Stream
from benchmarks.peers.notebook import Mode, Notebook

Extra = Callable[[], Mapping[str, Figures]]


@dataclass(frozen=True, slots=True)
class Case:
    """Streams that are put on a server at once; `extras` are measured in the same turns without a server.

    What takes a second at some takes `least_seconds`, or a short run would see the end of none.
    """

    name: str
    streams: Mapping[str, Stream]
    extras: Mapping[str, Extra] = field(default_factory=dict)
    least_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Field:
    """The contenders of one mode, where they run, and what loads them."""

    mode: Mode
    contenders: Sequence[Contender]
    server_cores: Collection[int]
    load: LoadGenerator
    repetitions: int
    began: float = field(default_factory=time.monotonic)
    refused: list[str] = field(default_factory=list)

    def take_turns(self, cases: Sequence[Case], notebook: Notebook, names: Collection[str]) -> None:
        """Measure each case of each of these contenders, turn by turn: what else happens meets all of them."""
        for repetition in range(self.repetitions):
            for case in cases:
                for contender in self._able(case, names):
                    figures = self.load.run(contender, case.streams, least_seconds=case.least_seconds)
                    self._note(notebook, repetition, case.name, contender.name, figures)
                for name, measure in case.extras.items():
                    self._note(notebook, repetition, case.name, name, measure())

    def _able(self, case: Case, names: Collection[str]) -> Sequence[Contender]:
        named = [each for each in self.contenders if each.name in names]
        return [each for each in named if all(each.opens(stream.door) for stream in case.streams.values())]

    def _note(self, notebook: Notebook, repetition: int, case: str, who: str, figures: Mapping[str, Figures]) -> None:
        notebook.add(self.mode, case, who, figures)
        self.refused.extend(
            f"{self.mode}, {case}, {who}, {name or 'requests'}: {count} times {reason}"
            for name, each in figures.items()
            for reason, count in each.refused.items()
        )
        shown = ", ".join(f"{each.per_second:,.0f}/s" for each in figures.values())
        turn = f"{self.mode}, turn {repetition + 1} of {self.repetitions}"
        print(f"{time.monotonic() - self.began:.0f} s, {turn}: {case}, {who}: {shown}", file=sys.stderr)
