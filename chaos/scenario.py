"""What a scenario is, what it finds, and the control that shows that it could have found something."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from chaos.judge import Verdict

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of it: all, or a first impression."""

    is_quick: bool
    clients: int = 12

    def choose(self, full: _T, quick: _T) -> _T:
        """Return what goes with this scale."""
        return quick if self.is_quick else full


@dataclass(frozen=True, slots=True)
class Goal:
    """What has to hold, what was seen, and whether that is it. The figure stands for itself in a table."""

    name: str
    seen: str
    met: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one run."""

    goals: Sequence[Goal]
    verdicts: Sequence[Verdict] = ()
    remark: str = ""

    def goal(self, name: str) -> Goal:
        """Return the goal of this name."""
        return next(goal for goal in self.goals if goal.name == name)


class Measure(Protocol):
    """Does harm to an installation and looks at what becomes of it; not `guarded`, it has one guard less."""

    async def __call__(self, scale: Scale, /, *, guarded: bool) -> Finding:
        """Return what was found."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A measurement with its control: with the guard taken out, the goal called `caught_by` must be missed."""

    name: str
    title: str
    guard: str
    caught_by: str
    measure: Measure
    missing: Callable[[], str] = str  # what has to be installed first; nothing by default
    is_slow: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A scenario that was run, and its control."""

    scenario: Scenario
    finding: Finding
    control: Finding
    seconds: float

    @property
    def goals(self) -> list[Goal]:
        """Return every goal, that of the control as the last one."""
        caught = self.control.goal(self.scenario.caught_by)
        name = f"control: {self.scenario.guard}; then “{caught.name}” is missed"
        control = Goal(name, caught.seen, met=not caught.met)
        return [*self.finding.goals, control]


async def run_scenario(scenario: Scenario, scale: Scale, say: Callable[[str], None]) -> Outcome:
    """Run it, then its control, which is always a short one."""
    began = time.monotonic()
    say(f"{scenario.name}: {scenario.title}")
    finding = await scenario.measure(scale, guarded=True)
    say(f"{scenario.name}: the control, {scenario.guard}")
    control = await scenario.measure(Scale(is_quick=True, clients=scale.clients), guarded=False)
    return Outcome(scenario, finding, control, time.monotonic() - began)
