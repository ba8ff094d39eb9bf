"""The database is away for a minute: first its port is closed, later it falls silent."""

import asyncio
import time
from collections.abc import Sequence

from chaos.goals import within
from chaos.installation import Installation, run_folder, running_installation
from chaos.postgres import DURABLE, Server
from chaos.probes import PROBES, Answer, probing
from chaos.scenario import Finding, Goal, Scale, Scenario

_ANSWER_SECONDS, _BACK_SECONDS = 3.0, 2.0
_REFUSED_IN_TIME = f"each refusal in under {_ANSWER_SECONDS:g} s"
_MEMORY_SHARE = 0.05
_UNAVAILABLE = 503
_WARM_UP_SECONDS, _WATCH_SECONDS = 5.0, 5.0
_IMPATIENT, _PATIENT = {"AUTH_DATABASE__CONNECT_TIMEOUT": "PT2S"}, {"AUTH_DATABASE__CONNECT_TIMEOUT": "PT10S"}


async def measure(scale: Scale, *, guarded: bool) -> Finding:
    """Stop it for a minute and start it; freeze it for twenty seconds and wake it."""
    away, silent = scale.choose(60.0, 8.0), scale.choose(20.0, 8.0)
    settings = _IMPATIENT if guarded else _PATIENT
    with run_folder() as folder, Server(DURABLE) as database:
        async with (
            running_installation(database.url, folder, settings=settings) as installation,
            probing(installation) as answers,
        ):
            await asyncio.sleep(_WARM_UP_SECONDS)
            before = _memory_of(installation)
            left, returned = await _stop_for(database, away)
            await asyncio.sleep(_WATCH_SECONDS)
            after = _memory_of(installation)
            froze, woke = await _freeze_for(database, silent)
            await asyncio.sleep(_WATCH_SECONDS)
    spans = [(left, returned), (froze, woke)]
    growth = max(later / earlier - 1 for earlier, later in zip(before, after, strict=True))
    goals = [
        _only_refusals(answers, spans),
        _in_time(answers, spans),
        _answers_all_along(answers),
        within(
            f"serves within {_BACK_SECONDS:g} s of its return, without a restart", _back(answers, spans), _BACK_SECONDS
        ),
        Goal("memory grows under 5 %", f"{growth:.1%}", met=growth < _MEMORY_SHARE),
    ]
    return Finding(
        goals, remark=f"Away for {away:g} s, silent for {silent:g} s; {len(answers):,} requests past the balancer."
    )


async def _stop_for(database: Server, seconds: float) -> tuple[float, float]:
    """Return when it was gone, and when it was back."""
    await asyncio.to_thread(database.stop)
    gone = time.monotonic()
    await asyncio.sleep(seconds)
    await asyncio.to_thread(database.start)
    return gone, time.monotonic()


async def _freeze_for(database: Server, seconds: float) -> tuple[float, float]:
    family = database.fall_silent()
    gone = time.monotonic()
    await asyncio.sleep(seconds)
    database.wake(family)
    return gone, time.monotonic()


def _while_away(answers: Sequence[Answer], spans: Sequence[tuple[float, float]]) -> list[Answer]:
    """Return what was asked, of what needs the database, and answered, while it was away."""
    return [
        each
        for each in answers
        if each.probe.needs_database
        and any(gone + each.probe.shared_seconds <= each.began and each.ended < back for gone, back in spans)
    ]


def _only_refusals(answers: Sequence[Answer], spans: Sequence[tuple[float, float]]) -> Goal:
    refused = _while_away(answers, spans)
    others = [each for each in refused if each.status != _UNAVAILABLE or not each.retry_after]
    seen = ", ".join(sorted({f"{each.probe.method} {each.probe.path} {each.status}" for each in others}))
    name = "only 503 with Retry-After where the database is needed"
    return Goal(
        name, f"{len(refused) - len(others):,} of {len(refused):,} {seen}".strip(), met=bool(refused) and not others
    )


def _in_time(answers: Sequence[Answer], spans: Sequence[tuple[float, float]]) -> Goal:
    """Look at whatever was under way while it was away, whenever it ended."""
    asked = [
        each.seconds
        for each in answers
        if each.probe.needs_database and any(each.began < back and each.ended > gone for gone, back in spans)
    ]
    return within(_REFUSED_IN_TIME, asked, _ANSWER_SECONDS)


def _answers_all_along(answers: Sequence[Answer]) -> Goal:
    asked = [each for each in answers if not each.probe.needs_database]
    well = [each for each in asked if each.status == 200 and each.seconds < _ANSWER_SECONDS]  # noqa: PLR2004
    slowest = max(each.seconds for each in asked)
    seen = f"{len(well):,} of {len(asked):,}, {slowest:.2f} s at worst"
    return Goal("liveness and JWKS answer all along", seen, met=len(well) == len(asked))


def _back(answers: Sequence[Answer], spans: Sequence[tuple[float, float]]) -> list[float]:
    """Return, for each replica, question and return of the database, how long it took until that was answered."""
    urls = {each.url for each in answers}
    return [
        min(
            (
                each.ended - back
                for each in answers
                if (each.url, each.probe) == (url, probe) and each.ended > back and each.status in {200, 201}
            ),
            default=float("inf"),
        )
        for url in urls
        for probe in PROBES
        for _, back in spans
    ]


def _memory_of(installation: Installation) -> list[int]:
    return [replica.resident_kib() for replica in installation.replicas]


SCENARIO = Scenario(
    name="database-away",
    title="the database is stopped, then falls silent",
    guard="the service is patient with it for 10 s",
    caught_by=_REFUSED_IN_TIME,
    measure=measure,
)
