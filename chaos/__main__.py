"""Does harm to real installations and counts what it costs.

    PYTHONPATH=client .venv/bin/python -m chaos [SCENARIO ...] [--quick]

Without a scenario all of them are run, one after the other. A full run writes what it found into chaos/results.md; with
--quick it is short, leaves out what takes longer, and prints only. Ends with 1 when a goal is missed, with 2 when
something has to be installed first. chaos/README.md says what each scenario is about.
"""

import argparse
import asyncio
import sys
import traceback
from collections.abc import Sequence

from chaos.report import RESULTS, render, write_results
from chaos.scenario import Scale, Scenario, run_scenario
from chaos.scenarios import (
    database_away,
    database_crash,
    primary_killed,
    replica_killed,
    rolling_restart,
    soak,
    start_together,
    switch_over,
)

SCENARIOS: Sequence[Scenario] = [
    replica_killed.SCENARIO,
    rolling_restart.SCENARIO,
    database_crash.SCENARIO,
    switch_over.SCENARIO,
    database_away.SCENARIO,
    start_together.SCENARIO,
    primary_killed.SCENARIO,
    soak.SCENARIO,
]
_MISSED, _NOT_INSTALLED = 1, 2


def main(names: Sequence[str], *, quick: bool) -> int:
    """Run what was asked for; return the exit code."""
    chosen = _chosen(names, quick=quick)
    missing = {each.name: sentence for each in chosen if (sentence := each.missing())}
    for name, sentence in missing.items():
        _say(f"{name} is left out: {sentence}")
    missed = [line for each in chosen if each.name not in missing for line in _run(each, quick=quick)]
    for line in missed:
        _say(f"MISSED {line}")
    return _MISSED if missed else _NOT_INSTALLED if missing else 0


def _run(scenario: Scenario, *, quick: bool) -> list[str]:
    """Print and keep what is found, and return what was missed. Whatever ends a scenario, the next one is run."""
    try:
        outcome = asyncio.run(run_scenario(scenario, Scale(is_quick=quick), _say))
    except Exception as error:  # noqa: BLE001
        traceback.print_exception(error)
        return [f"{scenario.name}: it came to no end ({type(error).__name__}, see above)"]
    print(render(outcome), flush=True)
    if not quick:
        write_results(RESULTS, outcome)
    return [f"{scenario.name}: {goal.name}" for goal in outcome.goals if not goal.met]


def _chosen(names: Sequence[str], *, quick: bool) -> list[Scenario]:
    known = {scenario.name: scenario for scenario in SCENARIOS}
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"no scenario is called {unknown[0]!r}; there are: {', '.join(known)}")
    if names:
        return [known[name] for name in names]
    return [scenario for scenario in SCENARIOS if not (quick and scenario.is_slow)]


def _say(line: str) -> None:
    """Tell the person who waits; standard output is for the report."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="SCENARIO", help="one of them; all if none is named")
    parser.add_argument("--quick", action="store_true", help="few faults, in some minutes")
    sys.exit(main(**vars(parser.parse_args())))
