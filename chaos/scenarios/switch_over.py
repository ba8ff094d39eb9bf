"""A planned switch-over: the primary database stops in order, and its standby takes over."""

import asyncio
import time

from chaos.goals import nothing_doubled, nothing_lost, only_unavailable, within
from chaos.installation import judge_run, run_folder, running_installation
from chaos.load import loading
from chaos.postgres import DURABLE, Server, Standby, url_of
from chaos.scenario import Finding, Scale, Scenario

_BACK_SECONDS = 3.0
_BACK = f"back within {_BACK_SECONDS:g} s"
_WATCH_SECONDS = 6.0
_WARM_UP_SECONDS = 2.0


async def measure(scale: Scale, *, guarded: bool) -> Finding:
    """Stop the one, promote the other, and see what clients see for some seconds."""
    with run_folder() as folder, Server(DURABLE) as primary, Standby(primary) as standby:
        url = url_of(primary, standby) if guarded else url_of(primary)
        async with running_installation(url, folder) as installation:
            async with loading(installation.url, installation.ledgers, clients=scale.clients) as load:
                await asyncio.sleep(_WARM_UP_SECONDS)
                began = time.monotonic()
                await asyncio.to_thread(primary.stop)
                await asyncio.to_thread(standby.promote)
                promoted = time.monotonic()
                await asyncio.sleep(_WATCH_SECONDS)
                timeline = load.timeline(since=began)
            verdicts = await judge_run(installation, standby.url)
    goals = [
        nothing_lost(verdicts),
        nothing_doubled(verdicts),
        only_unavailable(timeline),
        within(_BACK, [timeline.longest_silence()], _BACK_SECONDS),
    ]
    remark = f"The switch itself took {promoted - began:.2f} s. Errors: {timeline.describe_errors()}."
    return Finding(goals, verdicts, remark)


SCENARIO = Scenario(
    name="switch-over",
    title="a planned switch-over to the standby database",
    guard="the service knows only the first of the two servers",
    caught_by=_BACK,
    measure=measure,
)
