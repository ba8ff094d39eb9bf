"""The machine of the primary database dies, under Patroni with synchronous replication."""

import asyncio
import signal
import time

from chaos.failover import Cluster, running_cluster
from chaos.goals import NOTHING_LOST, nothing_doubled, nothing_lost, only_unavailable, within
from chaos.installation import judge_run, run_folder, running_installation
from chaos.load import Load, loading
from chaos.patroni_settings import missing_programs
from chaos.postgres import send
from chaos.scenario import Finding, Scale, Scenario

_STALL_SECONDS = 0.5
_BACK_SECONDS = 25.0
_REST_SECONDS = 2.0


async def measure(scale: Scale, *, guarded: bool) -> Finding:
    """Let the link to the standbys stall for half a second, kill the machine, wait, and bring the machine back.

    The link stalls in the control as well: whoever waits for a second machine acknowledges nothing meanwhile.
    """
    with run_folder() as folder:
        async with (
            running_cluster(folder / "patroni", synchronous=guarded) as cluster,
            running_installation(cluster.url, folder) as installation,
        ):
            async with loading(installation.url, installation.ledgers, clients=scale.clients) as load:
                kills = [await _kill_primary(cluster, load) for _ in range(scale.choose(5, 1))]
                timeline = load.timeline()
            verdicts = await judge_run(installation, (await cluster.leader()).url)
    back = [part.longest_silence() for part in timeline.after_each(kills)]
    goals = [
        nothing_lost(verdicts),
        nothing_doubled(verdicts),
        only_unavailable(timeline),
        within(f"writes again within {_BACK_SECONDS:g} s", back, _BACK_SECONDS),
    ]
    seconds = ", ".join(f"{each:.1f}" for each in back)
    remark = f"{len(kills)} kills; seconds without a write: {seconds}. Errors: {timeline.describe_errors()}."
    return Finding(goals, verdicts, remark)


async def _kill_primary(cluster: Cluster, load: Load) -> float:
    """Return when it died, once everybody writes again and all machines are back."""
    node = await cluster.leader()
    for sender in node.senders():
        send(sender, signal.SIGSTOP)
    await asyncio.sleep(_STALL_SECONDS)
    killed = time.monotonic()
    await asyncio.to_thread(node.kill)
    await load.until_everybody_writes()
    node.start()
    await cluster.leader()
    await asyncio.sleep(_REST_SECONDS)
    return killed


SCENARIO = Scenario(
    name="primary-killed",
    title="the machine of the primary database is killed (Patroni, synchronous replication)",
    guard="a commit waits for no second machine",
    caught_by=NOTHING_LOST,
    measure=measure,
    missing=missing_programs,
    is_slow=True,
)
