"""Half an hour of mixed load: whatever leaks shows."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from statistics import fmean

from chaos.goals import no_error, nothing_doubled, nothing_lost
from chaos.guards import Guard
from chaos.installation import Installation, judge_run, run_folder, running_installation
from chaos.load import loading
from chaos.postgres import DURABLE, Server
from chaos.samples import Sample, sample, sample_at_rest
from chaos.scenario import Finding, Goal, Scale, Scenario

_MEMORY_GROWS_LITTLE = "memory grows under 5 %"
_MEMORY_SHARE = 0.05
_REST_SECONDS = 15.0  # kept-alive connections are closed by then
_PAUSE_SECONDS = 0.1


async def measure(scale: Scale, *, guarded: bool) -> Finding:
    """Look at every replica every ten seconds; the first sixth of the time is for getting warm."""
    seconds, every = scale.choose(1800.0, 60.0), scale.choose(10.0, 2.0)
    without = None if guarded else Guard.FORGETTING
    with run_folder() as folder, Server(DURABLE) as database:
        async with running_installation(database.url, folder, without=without) as installation:
            before = await sample_at_rest(installation, database.url)
            async with loading(
                installation.url, installation.ledgers, clients=scale.clients, pause_seconds=_PAUSE_SECONDS
            ) as load:
                samples = await _watch(installation, database.url, seconds, every)
                timeline = load.timeline()
            await asyncio.sleep(_REST_SECONDS)
            after = await sample_at_rest(installation, database.url)
            verdicts = await judge_run(installation, database.url)
    goals = [
        no_error("no error", timeline),
        nothing_lost(verdicts),
        nothing_doubled(verdicts),
        _memory_goal(samples),
        _descriptor_goal(before, after),
    ]
    rate = len(timeline.seen) / (timeline.ended - timeline.began)
    remark = f"{seconds / 60:g} minutes, {scale.clients} clients, {rate:.0f} requests a second. {_describe(samples)}"
    return Finding(goals, verdicts, remark)


async def _watch(
    installation: Installation, database_url: str, seconds: float, every: float
) -> list[Mapping[str, Sample]]:
    samples = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(every)
        samples.append(await sample(installation, database_url))
    return samples


def _memory_goal(samples: Sequence[Mapping[str, Sample]]) -> Goal:
    """Compare, for each replica, the last sixth of the time with that after the first."""
    sixth = max(len(samples) // 6, 1)
    first, last = samples[sixth : 2 * sixth], samples[-sixth:]
    growth = {
        name: fmean(each[name].resident_kib for each in last) / fmean(each[name].resident_kib for each in first) - 1
        for name in samples[0]
    }
    seen = ", ".join(f"{share:+.1%}" for share in growth.values())
    return Goal(_MEMORY_GROWS_LITTLE, seen, met=max(growth.values()) < _MEMORY_SHARE)


def _descriptor_goal(before: Mapping[str, Sample], after: Mapping[str, Sample]) -> Goal:
    """Compare at rest; connections that the pool keeps to the database are no leak."""
    more = {name: after[name].descriptors_of_its_own - before[name].descriptors_of_its_own for name in before}
    seen = ", ".join(f"{count:+}" for count in more.values())
    return Goal("no leaked descriptor", seen, met=max(more.values()) <= 0)


def _describe(samples: Sequence[Mapping[str, Sample]]) -> str:
    mib = ", ".join(f"{each.resident_kib / 1024:.0f}" for each in samples[-1].values())
    connections = max(each.connections for one in samples for each in one.values())
    descriptors = max(each.descriptors for one in samples for each in one.values())
    return (
        f"At the end the replicas have {mib} MiB; at most one had {descriptors} descriptors and {connections} "
        "connections to the database."
    )


SCENARIO = Scenario(
    name="soak",
    title="half an hour of mixed load",
    guard="a replica keeps something of each request",
    caught_by=_MEMORY_GROWS_LITTLE,
    measure=measure,
    is_slow=True,
)
