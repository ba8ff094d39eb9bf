"""The database's main process is killed, and its supervisor starts it again."""

import asyncio
import time

from chaos.goals import NOTHING_LOST, nothing_doubled, nothing_lost, only_unavailable, within
from chaos.installation import judge_run, run_folder, running_installation
from chaos.load import Load, loading
from chaos.postgres import DURABLE, FORGETFUL, Server
from chaos.scenario import Finding, Scale, Scenario

_BACK_SECONDS = 6.0
_REST_SECONDS = 3.0


async def measure(scale: Scale, *, guarded: bool) -> Finding:
    """Kill it, start it at once, and go on as soon as everybody writes again."""
    with run_folder() as folder, Server(DURABLE if guarded else FORGETFUL) as database:
        async with running_installation(database.url, folder) as installation:
            async with loading(installation.url, installation.ledgers, clients=scale.clients) as load:
                crashes = [await _crash(database, load) for _ in range(scale.choose(5, 2))]
                timeline = load.timeline()
            verdicts = await judge_run(installation, database.url)
    back = [part.longest_silence() for part in timeline.after_each(crashes)]
    goals = [
        nothing_lost(verdicts),
        nothing_doubled(verdicts),
        only_unavailable(timeline),
        within(f"back within {_BACK_SECONDS:g} s", back, _BACK_SECONDS),
    ]
    seconds = ", ".join(f"{each:.1f}" for each in back)
    remark = f"{len(crashes)} crashes; seconds without a write: {seconds}. Errors: {timeline.describe_errors()}."
    return Finding(goals, verdicts, remark)


async def _crash(database: Server, load: Load) -> float:
    """Return when it was killed."""
    await asyncio.sleep(_REST_SECONDS)
    killed = time.monotonic()
    await asyncio.to_thread(database.crash)
    await asyncio.to_thread(database.start)
    await load.until_everybody_writes()
    return killed


SCENARIO = Scenario(
    name="database-crash",
    title="kill -9 of the database, which is started again at once",
    guard="a commit waits for no disk (synchronous_commit=off)",
    caught_by=NOTHING_LOST,
    measure=measure,
)
