"""Replicas are told to stop and started again, one after the other, as a new release is rolled out."""

import asyncio
import signal
import time

from chaos.goals import no_error, nothing_doubled, nothing_lost
from chaos.guards import Guard
from chaos.installation import Installation, judge_run, run_folder, running_installation
from chaos.load import Load, loading
from chaos.postgres import DURABLE, Server
from chaos.scenario import Finding, Goal, Scale, Scenario

_NO_REQUEST_FAILS = "no request fails"
_DRAIN = {"AUTH_HTTP__DRAIN_DELAY": "PT1S"}  # five times the pause between two looks of the balancer
_REST_SECONDS = 0.5


async def measure(scale: Scale, *, guarded: bool) -> Finding:
    """Restart each of three replicas in turn; the next one goes when the one before is ready."""
    without = None if guarded else Guard.DRAIN
    rounds = scale.choose(5, 1)
    with run_folder() as folder, Server(DURABLE) as database:
        async with running_installation(database.url, folder, without=without, settings=_DRAIN) as installation:
            async with loading(installation.url, installation.ledgers, clients=scale.clients) as load:
                ends = [end for _ in range(rounds) for end in await _restart_each(installation, load)]
                timeline = load.timeline()
            verdicts = await judge_run(installation, database.url)
    codes = sorted({code for code, _ in ends})
    goals = [
        no_error(_NO_REQUEST_FAILS, timeline),
        nothing_lost(verdicts),
        nothing_doubled(verdicts),
        Goal("each replica ends with exit code 0", ", ".join(map(str, codes)), met=codes == [0]),
    ]
    slowest = max(seconds for _, seconds in ends)
    remark = (
        f"{len(ends)} restarts; a replica took {slowest:.1f} s to end at most; no client waited longer than "
        f"{timeline.worst_silence():.2f} s for a write."
    )
    return Finding(goals, verdicts, remark)


async def _restart_each(installation: Installation, load: Load) -> list[tuple[int, float]]:
    """Return with which exit code each ended, and after how many seconds."""
    ends = []
    for replica in installation.replicas:
        told = time.monotonic()
        code = await replica.end(signal.SIGTERM)
        ends.append((code, time.monotonic() - told))
        await replica.start()
        await replica.until_ready()
        await load.until_everybody_writes()
        await asyncio.sleep(_REST_SECONDS)
    return ends


SCENARIO = Scenario(
    name="rolling-restart",
    title="SIGTERM for each of three replicas in turn, under load",
    guard="SIGTERM ends a replica at once",
    caught_by=_NO_REQUEST_FAILS,
    measure=measure,
)
