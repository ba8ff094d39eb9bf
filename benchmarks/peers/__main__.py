"""This service beside its peers, under the same load in the same run: tables, ratios and pictures.

    PYTHONPATH=client .venv/bin/python -m benchmarks.peers [--quick] [--only QUESTION] [--output FOLDER] [--turns N]

Needs Linux with two cores, uv (the environment has it) and Node with npm. The environments of the peers are made once,
in benchmarks/.environments. A full run writes benchmarks/results/peers.md and its pictures; with --quick or --only the
report is printed, and written only where --output says.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.peers.dialects import DJANGO_REST
from benchmarks.peers.errors import ComparisonError
from benchmarks.peers.field import Field
from benchmarks.peers.lineup import running_lineup
from benchmarks.peers.load import prepare_load_generator
from benchmarks.peers.notebook import Mode
from benchmarks.peers.question import Question
from benchmarks.peers.questions.documents import Documents
from benchmarks.peers.questions.memory import Memory
from benchmarks.peers.questions.reads import Reads
from benchmarks.peers.questions.reads_and_sign_in import ReadsAndSignIn
from benchmarks.peers.questions.refresh import Refresh
from benchmarks.peers.questions.sign_in import SignIn
from benchmarks.peers.questions.sign_in_and_reads import SignInAndReads
from benchmarks.peers.questions.start import Start
from benchmarks.peers.questions.writes import Writes
from benchmarks.peers.report import LOAD, POSTGRES, Circumstances, Scale, draw, missed_goals, render

RESULTS = Path(__file__).parents[1] / "results"
_CORES_NEEDED = 2


_SLOW = (DJANGO_REST.name, Memory.name, ReadsAndSignIn.name)
_FULL = Scale(repetitions=5, warm_up_seconds=1.0, seconds=3.0, claimants=128, is_short=False)
_QUICK = Scale(repetitions=1, warm_up_seconds=0.3, seconds=0.7, claimants=16, is_short=True, left_out=_SLOW)


def main(*, quick: bool, only: str | None, output: Path | None, turns: int | None) -> None:
    """Measure, write or print, and fail when a goal is missed."""
    scale = _QUICK if quick else _FULL
    if turns is not None:
        scale = replace(scale, repetitions=turns)
    questions = _chosen(only, scale)
    load_average, versions, refused = os.getloadavg()[0], dict[str, str](), list[str]()
    for mode in Mode:
        asked = [question for question in questions if mode in ([Mode.PINNED] if quick else question.modes)]
        if asked:
            try:
                versions |= _measure(asked, mode, scale, refused)
            except ComparisonError as error:
                sys.exit(str(error))
    sections = {question.name: question.section() for question in questions}
    seen = Circumstances(versions, scale, load_average, refused)
    folder = output or (None if quick or only else RESULTS)
    if folder is None:
        print(render(sections, seen))
    else:
        (folder / "peers.md").write_text(render(sections, seen))
        draw(sections, folder)
    if missed := missed_goals(sections, seen):
        sys.exit(f"missed: {', '.join(missed)}")


def _chosen(only: str | None, scale: Scale) -> list[Question]:
    everything: list[Question] = [
        Memory(),  # first, because load leaves traces in it
        Start(),
        Reads(),
        Writes(),
        SignIn(),
        SignInAndReads(),
        ReadsAndSignIn(),
        Refresh(),
        Documents(),
    ]
    wanted = {only} if only else {question.name for question in everything} - {*scale.left_out}
    if chosen := [question for question in everything if question.name in wanted]:
        return chosen
    sys.exit(f"no question is called {only!r}; there are: {', '.join(each.name for each in everything)}")


def _measure(questions: Sequence[Question], mode: Mode, scale: Scale, refused: list[str]) -> dict[str, str]:
    """Start everybody that these questions are about, and ask one after the other; return the versions."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < _CORES_NEEDED:
        sys.exit("two cores are needed: one for the server, one for the load and the database")
    pinned = mode is Mode.PINNED
    server_cores, other_cores = (cores[:1], cores[1:2]) if pinned else (cores, cores)
    load = prepare_load_generator(other_cores, warm_up_seconds=scale.warm_up_seconds, seconds=scale.seconds)
    names = {name for question in questions for name in question.contenders} - {*scale.left_out}
    lineup = running_lineup(names, claimants=scale.claimants, server_cores=server_cores, other_cores=other_cores)
    with lineup as (contenders, postgres):
        field = Field(mode, contenders, server_cores, load, scale.repetitions, refused=refused)
        for question in questions:
            question.measure(field)
        versions = {each.name: each.versions for each in contenders}
    return {POSTGRES: postgres, LOAD: load.versions(), **versions}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few peers, short loads: less than two minutes")
    parser.add_argument("--only", metavar="QUESTION", help="one of them: reads, writes, sign-in, ...")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where the report and its pictures are written")
    parser.add_argument("--turns", type=int, metavar="N", help="how often each is measured (5; with --quick 1)")
    main(**vars(parser.parse_args()))
