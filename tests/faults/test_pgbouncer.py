"""Behind PgBouncer in transaction mode: everything works, though there are fewer connections than requests."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import asyncpg
import pytest
from sqlalchemy import text

from auth_service.db.engine import Database
from auth_service.db.limits import LIMITS
from auth_service.db.settings import DatabaseSettings
from tests.support.databases import Databases
from tests.support.every_route import statuses_of_every_route
from tests.support.own_postgres import own_postgres
from tests.support.pgbouncer import running_pgbouncer
from tests.support.postgres import PostgresServer
from tests.support.service import Account, Service, assert_problem, bearer, running_service
from tests.support.settings import make_settings, new_master_key

KEY: dict[str, object] = {"master_keys": new_master_key()}
SERVER_CONNECTIONS = 2
IN_TIME_SECONDS = 6
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = $1"


@dataclass(frozen=True, slots=True)
class Pooled:
    """A database, by two ways."""

    server: PostgresServer
    direct: str
    pooled: str


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooled]:
    with ExitStack() as exits:
        server = exits.enter_context(own_postgres())
        direct = Databases(tmp_path_factory.mktemp("pooled"), server.url).migrated("postgresql")
        yield Pooled(server, direct, exits.enter_context(running_pgbouncer(direct, pool_size=SERVER_CONNECTIONS)))


async def _statuses(url: str) -> dict[str, int]:
    async with running_service(make_settings(url, security=KEY)) as service:
        answers = await statuses_of_every_route(service)
        await service.empty()
    return answers


async def test_every_route_answers_as_without_it(pooled: Pooled) -> None:
    direct, through_the_pooler = await _statuses(pooled.direct), await _statuses(pooled.pooled)

    assert through_the_pooler == direct
    assert [route for route, status in through_the_pooler.items() if status >= 500] == []


async def test_many_requests_share_few_connections_and_nobody_gets_anothers_answer(pooled: Pooled) -> None:
    async with running_service(make_settings(pooled.pooled, security=KEY)) as service:
        users = [await service.make_user() for _ in range(8)]

        answers = await asyncio.gather(*(_life(service, user) for user in users for _ in range(4)))
        await service.empty()

    assert answers == [user.email for user in users for _ in range(4)]


async def _life(service: Service, user: Account) -> str:
    """Sign in, write, read and refresh; return whose account was read."""
    mine = await service.sign_in_again(user)
    item = await service.make_item(mine)
    found = await service.client.get(f"/items/{item['id']}", headers=bearer(mine))
    form = {"grant_type": "refresh_token", "refresh_token": mine.refresh_token}
    refreshed = await service.client.post("/oauth/token", data=form)
    lists = await service.client.get("/items", headers=bearer(mine))
    me = await service.client.get("/users/me", headers=bearer(mine))
    assert (found.json()["owner_id"], refreshed.status_code, lists.status_code) == (str(user.id), 200, 200)
    email: str = me.json()["email"]
    return email


async def test_the_limits_of_the_role_hold_for_what_the_pooler_connects(pooled: Pooled) -> None:
    set_them = [f"ALTER ROLE postgres SET {name} = '{value}'" for name, value in LIMITS.items()]
    await _as_superuser(pooled, *set_them)

    with running_pgbouncer(pooled.direct, pool_size=1) as url:
        database = Database(DatabaseSettings.model_validate({"url": url}))
        async with database.transaction(writing=False) as session:
            connection = await session.connection()
            told = {name: (await connection.execute(text(f"SHOW {name}"))).scalar() for name in LIMITS}
        await database.dispose()

    assert told == LIMITS
    await _as_superuser(pooled, "ALTER ROLE postgres RESET ALL")


async def _as_superuser(pooled: Pooled, *statements: str) -> None:
    connection = await asyncpg.connect(pooled.direct)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def test_a_database_that_falls_silent_behind_it_is_noticed_in_time(pooled: Pooled) -> None:
    default: dict[str, object] = {"connect_timeout": "PT2S"}
    async with running_service(make_settings(pooled.pooled, security=KEY, database=default)) as service:
        user = await service.make_user()
        connection = await asyncpg.connect(pooled.server.url)
        name = pooled.direct.rpartition("/")[2]
        backends = [row["pid"] for row in await connection.fetch(BACKENDS, name)]
        await connection.close()

        with pooled.server.frozen(backends):
            requests = [service.client.get("/users/me", headers=bearer(user)), service.client.get("/readyz")]
            answers = await asyncio.gather(*(asyncio.wait_for(each, IN_TIME_SECONDS) for each in requests))
        async with asyncio.timeout(IN_TIME_SECONDS):
            while (back := await service.client.get("/users/me", headers=bearer(user))).status_code == 503:
                pass

    for answer in answers:
        assert_problem(answer, 503, code="database_unavailable")
    assert back.json()["email"] == user.email
