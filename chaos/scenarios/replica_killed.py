"""`kill -9` of one of three replicas, again and again under load."""

import asyncio
import itertools
import signal
import time

from chaos.goals import NOTHING_LOST, nothing_doubled, nothing_lost, within
from chaos.guards import Guard
from chaos.installation import Installation, judge_run, run_folder, running_installation
from chaos.load import Load, loading
from chaos.postgres import DURABLE, Server
from chaos.relay import slow_link
from chaos.scenario import Finding, Goal, Scale, Scenario

_REST_SECONDS = 1.0
_LINK_SECONDS = 0.005
_GAP_SECONDS = 2.0


async def measure(scale: Scale, *, guarded: bool) -> Finding:
    """Kill them in turn, each as soon as everybody writes again; the killed one is started again at once.

    The database is a little far away: most of a request is waiting for it, and that is when a kill finds it.
    """
    without = None if guarded else Guard.COMMIT_BEFORE_ANSWER
    with run_folder() as folder, Server(DURABLE) as database:
        async with (
            slow_link(database.url, delay_seconds=_LINK_SECONDS) as url,
            running_installation(url, folder, without=without) as installation,
        ):
            async with loading(installation.url, installation.ledgers, clients=scale.clients) as load:
                kills = await _kill_in_turn(installation, load, times=scale.choose(10, 3))
                timeline = load.timeline()
            verdicts = await judge_run(installation, database.url)
    parts = timeline.after_each(kills)
    worst = max(part.most_errors_of_a_client() for part in parts)
    goals = [
        nothing_lost(verdicts),
        nothing_doubled(verdicts),
        Goal("at most one error per client and kill", f"{worst} at worst", met=worst <= 1),
        within(
            f"no client waits {_GAP_SECONDS:g} s for a write", [part.worst_silence() for part in parts], _GAP_SECONDS
        ),
    ]
    return Finding(goals, verdicts, f"{len(kills)} kills; {len(timeline.errors)} errors: {timeline.describe_errors()}.")


async def _kill_in_turn(installation: Installation, load: Load, *, times: int) -> list[float]:
    """Return when each was killed."""
    kills = []
    for replica in itertools.islice(itertools.cycle(installation.replicas), times):
        kills.append(time.monotonic())
        await replica.end(signal.SIGKILL)
        await replica.start()
        await replica.until_ready()
        await load.until_everybody_writes()
        await asyncio.sleep(_REST_SECONDS)
    return kills


SCENARIO = Scenario(
    name="replica-killed",
    title="kill -9 of one of three replicas under load",
    guard="the commit comes after the answer",
    caught_by=NOTHING_LOST,
    measure=measure,
)
