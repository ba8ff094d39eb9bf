"""Writes what was found as Markdown: a section for each scenario, which the next run of that scenario replaces."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaos.balancer import describe_balancer
from chaos.judge import Verdict
from chaos.scenario import Outcome

RESULTS = Path(__file__).with_name("results.md")
_HEADING = "\n## "
_HEAD = """# What faults cost

Written by `python -m chaos`; each section by the last full run of its scenario. What the scenarios do stands in
[README.md](README.md). Clients, servers and database share the cores of one machine, so that times are upper bounds.
"""


def render(outcome: Outcome) -> str:
    """Return the section of a scenario."""
    scenario = outcome.scenario
    parts = [
        f"## {scenario.name}",
        f"{scenario.title[0].upper()}{scenario.title[1:]}. {outcome.finding.remark}".strip(),
        _table(
            ["goal", "seen", ""], [(goal.name, goal.seen, "met" if goal.met else "MISSED") for goal in outcome.goals]
        ),
    ]
    if outcome.finding.verdicts:
        parts.append(_verdicts(outcome.finding.verdicts))
    parts.append(f"{_describe_circumstances()} It took {outcome.seconds:.0f} s.")
    return "\n\n".join(parts) + "\n"


def write_results(path: Path, outcome: Outcome) -> None:
    """Put the section in the place of the one before, or at the end."""
    head, *sections = (path.read_text(encoding="utf-8") if path.exists() else _HEAD).split(_HEADING)
    by_name = {section.partition("\n")[0]: section for section in sections}
    by_name[outcome.scenario.name] = render(outcome).removeprefix("## ")
    texts = [_HEAD.rstrip("\n") if not head.strip() else head, *by_name.values()]
    path.write_text(_HEADING.join(f"{text.rstrip()}\n" for text in texts), encoding="utf-8")


def _verdicts(verdicts: Sequence[Verdict]) -> str:
    headings = ["write", "acknowledged", "lost", "doubled", "outcome unknown", "of these done", "done twice by a retry"]
    rows = [
        (each.kind.value, f"{each.acknowledged:,}", each.lost, each.doubled, each.unknown, each.found, each.repeated)
        for each in verdicts
    ]
    return _table(headings, rows)


def _table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    return "\n".join([*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)])


def _describe_circumstances() -> str:
    """Return a sentence about the machine, without a name."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    machine = f"{cores} cores ({platform.machine()}), load average {load:.1f}, Python {platform.python_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine}, {describe_balancer()}."
