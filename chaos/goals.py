"""The goals that scenarios have in common."""

from collections.abc import Sequence
from http import HTTPStatus

from chaos.judge import Verdict
from chaos.scenario import Goal
from chaos.timeline import Timeline

NOTHING_LOST = "no acknowledged write lost"
NOTHING_DOUBLED = "none doubled"


def nothing_lost(verdicts: Sequence[Verdict]) -> Goal:
    """Ask that everything which was acknowledged is there; a run that promised nothing has not shown it."""
    promised, lost = sum(each.acknowledged for each in verdicts), sum(each.lost for each in verdicts)
    return Goal(NOTHING_LOST, f"{lost} of {promised:,}", met=promised > 0 and lost == 0)


def nothing_doubled(verdicts: Sequence[Verdict]) -> Goal:
    """Ask that nothing is there more often than it was asked for."""
    doubled = sum(each.doubled for each in verdicts)
    return Goal(NOTHING_DOUBLED, str(doubled), met=doubled == 0)


def no_error(name: str, timeline: Timeline) -> Goal:
    """Ask that every request was answered as it should be."""
    errors = len(timeline.errors)
    seen = f"{errors} of {len(timeline.seen):,}" + (f" ({timeline.describe_errors()})" if errors else "")
    return Goal(name, seen, met=bool(timeline.seen) and errors == 0)


def only_unavailable(timeline: Timeline) -> Goal:
    """Ask that whatever failed was refused with 503, or got no answer: the service itself has no fault."""
    others = [each for each in timeline.errors if each.status not in {None, HTTPStatus.SERVICE_UNAVAILABLE}]
    faults = Timeline(others, timeline.began, timeline.ended).describe_errors()
    silent = len([each for each in timeline.errors if each.status is None])
    refused = len(timeline.errors) - len(others) - silent
    seen = f"{refused:,} times 503, {silent:,} times no answer {faults}".strip()
    return Goal("nothing fails but by 503 or silence", seen, met=not others)


def within(name: str, seconds: Sequence[float], limit: float) -> Goal:
    """Ask that the worst of these times is short enough."""
    worst = max(seconds)
    return Goal(name, f"{worst:.2f} s at worst" if len(seconds) > 1 else f"{worst:.2f} s", met=worst < limit)
