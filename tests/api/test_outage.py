"""While the database is away: 503 in time, whoever asks whatever, and afterwards as if nothing had been."""

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from httpx import AsyncClient, Response

from tests.support.databases import Databases
from tests.support.oauth import form_for
from tests.support.openapi import FORM, JSON, Operation, operations
from tests.support.own_postgres import own_postgres
from tests.support.paths import fill
from tests.support.postgres import PostgresServer
from tests.support.service import Account, Service, assert_problem, bearer, running_service
from tests.support.settings import make_settings, new_master_key

_IN_TIME_SECONDS = 6
_BACK_IN_SECONDS = 10
_IMPATIENT: dict[str, object] = {"connect_timeout": "PT2S"}  # as it is by default
_CONNECTIONS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'auth-service'"
_END_CONNECTIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'auth-service'"
_KEY: dict[str, object] = {"master_keys": new_master_key()}
_NEEDS_NO_DATABASE = {
    "GET /livez": 200,
    "GET /.well-known/jwks.json": 200,
    "GET /.well-known/oauth-authorization-server": 200,
    "GET /.well-known/openid-configuration": 200,
    "POST /email-verifications": 404,  # there is no mail
    "POST /password-recoveries": 404,
}


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of these tests' own, because they stop it."""
    with own_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def own_database(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    return Databases(tmp_path_factory.mktemp("outage"), postgres.url).migrated("postgresql")


async def _call(client: AsyncClient, operation: Operation, account: Account, item_id: str) -> Response:
    """Make the call that the document gives as an example."""
    path = fill(operation.path, user_id=account.id, item_id=item_id)
    body, form = operation.body_schema(JSON), operation.body_schema(FORM)
    async with asyncio.timeout(_IN_TIME_SECONDS):
        return await client.request(
            operation.method,
            path,
            headers={} if form else bearer(account),
            json=body["examples"][0] if body else None,
            data=form_for(operation.path, account) if form else None,
        )


async def test_every_route_says_so_and_recovers(postgres: PostgresServer, own_database: str) -> None:
    async with running_service(make_settings(own_database, security=_KEY, database=_IMPATIENT)) as service:
        admin = await service.make_admin()
        item = await service.make_item(admin)

        postgres.stop()
        away = {str(one): await _call(service.client, one, admin, item["id"]) for one in operations()}
        docs = await service.client.get("/docs")
        postgres.start()
        back = await service.client.get("/readyz")
        account = await service.client.get("/users/me", headers=bearer(admin))
        written = await service.make_item(admin)

    assert {route: answer.status_code for route, answer in away.items()} == {
        str(one): _NEEDS_NO_DATABASE.get(str(one), 503) for one in operations()
    }
    for route in away.keys() - _NEEDS_NO_DATABASE.keys():
        if "/oauth/" in route:
            assert away[route].json()["error"] == "temporarily_unavailable"
            assert away[route].headers["cache-control"] == "no-store"
        else:
            assert_problem(away[route], 503, code="database_unavailable")
    assert {answer.headers.get("retry-after") for answer in away.values() if answer.status_code == 503} == {"2"}
    assert away["GET /.well-known/jwks.json"].json()["keys"]
    assert docs.status_code == 200
    assert (back.status_code, account.json()["email"], written["title"]) == (200, admin.email, "A blue bicycle")


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_pool_of_dead_connections_is_replaced(postgres: PostgresServer, own_database: str, how: str) -> None:
    patient: dict[str, object] = {"connect_timeout": "PT20S"}  # what is tested is that they are replaced, not how fast
    async with running_service(make_settings(own_database, security=_KEY, database=patient)) as service:
        user = await service.make_user()
        await asyncio.gather(*(service.client.get("/users/me", headers=bearer(user)) for _ in range(5)))
        await _ask(postgres, "CHECKPOINT")  # this server commits without waiting for its disk

        await _ask(postgres, "CHECKPOINT")  # the test server writes lazily, and a crash would lose the account
        getattr(postgres, how)()
        postgres.start()
        answers = await asyncio.gather(*(service.client.get("/users/me", headers=bearer(user)) for _ in range(5)))

    assert [answer.status_code for answer in answers] == [200] * 5


async def test_a_server_that_fell_silent_is_not_waited_for(postgres: PostgresServer, own_database: str) -> None:
    settings = make_settings(own_database, security=_KEY, database={"connect_timeout": "PT1S"})
    async with running_service(settings) as service:
        user = await service.make_user()
        backends = await _ask(postgres, _CONNECTIONS)

        with postgres.frozen(pid for (pid,) in backends):
            async with asyncio.timeout(_IN_TIME_SECONDS):
                ready, account, created = await asyncio.gather(
                    service.client.get("/readyz"),
                    service.client.get("/users/me", headers=bearer(user)),
                    service.client.post("/items", headers=bearer(user), json={"title": "A blue bicycle"}),
                )
        async with asyncio.timeout(_BACK_IN_SECONDS):
            while (back := await service.client.get("/items", headers=bearer(user))).status_code == 503:
                pass

    for answer in (ready, account, created):
        assert_problem(answer, 503, code="database_unavailable")
    assert back.json() == {"data": [], "next_cursor": None}


async def test_a_database_that_lets_nobody_in_is_away_too(postgres: PostgresServer, own_database: str) -> None:
    name = own_database.rpartition("/")[2]
    async with running_service(make_settings(own_database, security=_KEY, database=_IMPATIENT)) as service:
        user = await service.make_user()

        await _ask(postgres, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await _ask(postgres, _END_CONNECTIONS)
        shut = await service.client.get("/users/me", headers=bearer(user))
        await _ask(postgres, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        back = await service.client.get("/users/me", headers=bearer(user))

    assert_problem(shut, 503, code="database_unavailable")
    assert back.status_code == 200


async def test_a_pool_without_a_free_connection_sheds(migrated_database: str) -> None:
    tight = {"pool_size": 1, "pool_overflow": 0, "connect_timeout": "PT2S"}
    async with running_service(make_settings(migrated_database, database=tight)) as service:
        user = await service.make_user()

        async with service.runtime.unit_of_work(writing=False) as work:
            await work.session.connection()
            shed = await service.client.get("/users/me", headers=bearer(user))
            keys = await service.client.get("/.well-known/jwks.json")
            refused = await service.sign_in(user.email)
        served = await service.client.get("/users/me", headers=bearer(user))

    assert_problem(shed, 503, code="database_unavailable")
    assert shed.headers["retry-after"] == "2"
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert (keys.status_code, served.status_code) == (200, 200)


async def test_readiness_is_red_while_the_schema_is_behind(migrated_database: str) -> None:
    async with running_service(make_settings(migrated_database, database=_IMPATIENT)) as service:
        await _execute(service, "DELETE FROM alembic_version")

        ready, alive = await service.client.get("/readyz"), await service.client.get("/livez")

    assert_problem(ready, 503, code="schema_behind")
    assert alive.json() == {"status": "ok"}


async def _ask(postgres: PostgresServer, statement: str) -> list[Any]:
    connection = await asyncpg.connect(postgres.url)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


async def _execute(service: Service, statement: str) -> None:
    async with service.runtime.database.engine.begin() as connection:
        await connection.exec_driver_sql(statement)
