"""Five replicas begin at once on an empty database, and one is killed in the middle of its migration."""

import asyncio
from collections.abc import Sequence

import asyncpg
import httpx

from auth_service.db.schema_revision import head_revision
from chaos.guards import Guard
from chaos.installation import environment_for, run_folder
from chaos.newcomer import Newcomer
from chaos.postgres import DURABLE, Server
from chaos.scenario import Finding, Goal, Scale, Scenario

_REPLICAS = 5
_LOOK_SECONDS = 0.005
_PATIENCE_SECONDS = 120.0
_AT_THE_FIRST_TRY = "the others get ready at their first try"
_WHO_MIGRATES = """
SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE mode = 'AccessExclusiveLock' AND granted AND application_name LIKE 'replica-%'
"""


async def measure(scale: Scale, *, guarded: bool) -> Finding:
    """Do it some times, each on a database of its own; where a goal was missed, show that time."""
    times = scale.choose(3, 1)
    findings = [await _once(guarded=guarded) for _ in range(times)]
    worst = next((each for each in findings if not all(goal.met for goal in each)), findings[-1])
    return Finding(worst, remark=f"{times} times, each on an empty database.")


async def _once(*, guarded: bool) -> list[Goal]:
    without = None if guarded else Guard.MIGRATION_LOCK
    with run_folder() as folder, Server(DURABLE) as server:
        environment = environment_for(server.url)
        newcomers = [Newcomer(folder, environment, without=without) for _ in range(_REPLICAS)]
        database = await asyncpg.connect(server.url)
        try:
            beginning = {newcomer: asyncio.create_task(newcomer.begin()) for newcomer in newcomers}
            victim = await _kill_who_migrates(database, newcomers)
            ends = await asyncio.gather(*beginning.values(), return_exceptions=True)
            failures = [end for newcomer, end in zip(beginning, ends, strict=True) if newcomer is not victim]
            again = await asyncio.gather(victim.begin(), return_exceptions=True)
            return [
                _all_at_first(failures),
                Goal("the one that was killed gets ready at its second", _say(again[0]), met=again[0] is None),
                *await _goals_of_what_is_there(database, [each for each in newcomers if each.is_ready]),
            ]
        finally:
            await database.close()
            for newcomer in newcomers:
                await newcomer.kill()


async def _kill_who_migrates(database: "asyncpg.Connection", newcomers: Sequence[Newcomer]) -> Newcomer:
    """Kill the first one that makes tables, while it does; raises TimeoutError when none ever does."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not (name := await database.fetchval(_WHO_MIGRATES)):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(_LOOK_SECONDS)
    victim = next(each for each in newcomers if each.replica.name == name)
    await victim.kill()
    return victim


def _all_at_first(failures: Sequence[BaseException | None]) -> Goal:
    failed = sum(each is not None for each in failures)
    return Goal(_AT_THE_FIRST_TRY, f"{len(failures) - failed} of {len(failures)}", met=failed == 0)


async def _goals_of_what_is_there(database: "asyncpg.Connection", ready: Sequence[Newcomer]) -> list[Goal]:
    async with httpx.AsyncClient() as client:
        urls = [f"{each.replica.url}/.well-known/jwks.json" for each in ready]
        key_sets = {(await client.get(url)).text for url in urls}
    states = sorted(await _column(database, "SELECT state FROM signing_keys"))
    administrators = await _column(database, "SELECT email FROM users WHERE is_superuser")
    revisions = await _column(database, "SELECT version_num FROM alembic_version")
    return [
        Goal("all are ready", f"{len(ready)} of {_REPLICAS}", met=len(ready) == _REPLICAS),
        Goal(
            "one key set",
            f"{len(key_sets)}: keys {' and '.join(states)}",
            met=len(key_sets) == 1 and states == ["active", "next"],
        ),
        Goal("one administrator", str(len(administrators)), met=len(administrators) == 1),
        Goal("one schema revision", ", ".join(revisions), met=revisions == [head_revision()]),
    ]


async def _column(database: "asyncpg.Connection", query: str) -> list[str]:
    """Return a column, which is empty where there is no such table."""
    try:
        return [str(value) for (value,) in await database.fetch(query)]
    except asyncpg.UndefinedTableError:
        return []


def _say(fault: BaseException | None) -> str:
    return "yes" if fault is None else str(fault).splitlines()[-1]


SCENARIO = Scenario(
    name="start-together",
    title="five replicas begin at once on an empty database, and one is killed in the middle of its migration",
    guard="migrations take no lock",
    caught_by=_AT_THE_FIRST_TRY,
    measure=measure,
)
