"""A PostgreSQL that falls silent, with nothing closed: whoever waits is let go in time, and later all is well."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from auth_service.db.engine import Database
from auth_service.db.errors import DatabaseUnavailableError
from auth_service.db.settings import DatabaseSettings
from tests.support.databases import Databases
from tests.support.own_postgres import own_postgres
from tests.support.postgres import PostgresServer
from tests.support.service import Service, assert_problem, bearer, running_service
from tests.support.settings import make_settings, new_master_key

IN_TIME_SECONDS = 6
BACK_IN_SECONDS = 10
BY_DEFAULT: dict[str, object] = {"connect_timeout": "PT2S"}
KEY: dict[str, object] = {"master_keys": new_master_key()}
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'auth-service' AND pid <> pg_backend_pid()"
SLEEPING = f"{BACKENDS} AND query LIKE 'SELECT pg_sleep%' AND state = 'active'"

END_THOSE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of these tests' own, because they freeze it."""
    with own_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def url(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    return Databases(tmp_path_factory.mktemp("silence"), postgres.url).migrated("postgresql")


async def _ask(postgres: PostgresServer, question: str) -> list[Any]:
    connection = await asyncpg.connect(postgres.url)
    try:
        return [row[0] for row in await connection.fetch(question)]
    finally:
        await connection.close()


@asynccontextmanager
async def _silent(postgres: PostgresServer) -> AsyncIterator[None]:
    with postgres.frozen(await _ask(postgres, BACKENDS)):
        yield


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    database = Database(DatabaseSettings.model_validate({"url": url, **BY_DEFAULT}))
    database.hurry()
    try:
        yield database
    finally:
        await database.dispose()


async def _read_slowly(database: Database, seconds: float) -> None:
    async with database.transaction(writing=False) as session:
        await (await session.connection()).execute(text(f"SELECT pg_sleep({seconds})"))


async def _write_slowly(database: Database, seconds: float) -> None:
    async with database.transaction(writing=True) as session:
        await (await session.connection()).execute(text(f"SELECT pg_sleep({seconds})"))


async def _migrate_slowly(database: Database, seconds: float) -> None:
    async with database.connection() as connection:
        await connection.execute(text(f"SELECT pg_sleep({seconds})"))


@pytest.mark.parametrize("work", [_read_slowly, _write_slowly, _migrate_slowly])
async def test_a_statement_that_is_running_when_the_server_falls_silent_is_ended(
    postgres: PostgresServer, url: str, work: Any
) -> None:
    await _ask(postgres, END_THOSE)  # a server does not notice that nobody waits for a sleep any more
    async with _opened(url) as database:
        running = asyncio.create_task(work(database, 60))
        while not await _ask(postgres, SLEEPING):
            pass

        async with _silent(postgres):
            async with asyncio.timeout(IN_TIME_SECONDS):
                with pytest.raises(DatabaseUnavailableError):
                    await running
        async with asyncio.timeout(BACK_IN_SECONDS):
            await _until_it_works(database)


async def _until_it_works(database: Database) -> None:
    while True:
        try:
            await _read_slowly(database, 0)
        except DatabaseUnavailableError:
            await asyncio.sleep(0)
        else:
            return


async def test_a_statement_that_takes_long_is_waited_for_while_the_server_answers(url: str) -> None:
    async with _opened(url) as database:
        with capture_logs() as logs:
            await asyncio.gather(_read_slowly(database, 1.5), _migrate_slowly(database, 1.5))

    assert logs == []


async def test_a_loop_that_was_away_while_it_asked_takes_no_server_for_silent(
    postgres: PostgresServer, url: str
) -> None:
    await _ask(postgres, END_THOSE)
    async with _opened(url) as database:
        running = asyncio.create_task(_read_slowly(database, 4))
        while not await _ask(postgres, SLEEPING):
            pass

        with capture_logs() as logs:
            while not await _is_asking(database):
                pass
            time.sleep(2)  # noqa: ASYNC251 - as when there is no processor to be had
            await running

    assert logs == []


async def _is_asking(database: Database) -> bool:
    is_asking = database._watch is not None and database._watch._asking is not None
    await asyncio.sleep(0)
    return is_asking


async def test_a_server_that_says_that_it_is_full_is_not_silent(postgres: PostgresServer, url: str) -> None:
    async with AsyncExitStack() as exits, _opened(url) as database:
        running = asyncio.create_task(_read_slowly(database, 5))
        while not await _ask(postgres, SLEEPING):
            pass

        with capture_logs() as logs:
            await _fill(postgres, exits)
            await running

    assert logs == []


async def _fill(postgres: PostgresServer, exits: AsyncExitStack) -> None:
    with suppress(asyncpg.TooManyConnectionsError):
        while True:
            connection = await asyncpg.connect(postgres.url)
            exits.push_async_callback(connection.close)


async def test_while_it_is_silent_everybody_is_told_in_time_and_afterwards_all_is_well(
    postgres: PostgresServer, url: str
) -> None:
    few: dict[str, object] = {**BY_DEFAULT, "pool_size": 5}  # so that some wait for a connection, too
    async with running_service(make_settings(url, security=KEY, database=few)) as service:
        user = await service.make_user()
        await asyncio.gather(*(service.client.get("/users/me", headers=bearer(user)) for _ in range(5)))

        async with _silent(postgres):
            keys = asyncio.create_task(service.client.get("/.well-known/jwks.json"))
            first = await _everything_at_once(service, bearer(user))
            later = await _everything_at_once(service, bearer(user))
        async with asyncio.timeout(BACK_IN_SECONDS):
            while (back := await service.client.get("/users/me", headers=bearer(user))).status_code != 200:
                pass

    for answer in first + later:
        assert_problem(answer, 503, code="database_unavailable")
        assert answer.headers["retry-after"] == "2"
    assert (await keys).status_code == 200
    assert back.json()["email"] == user.email


async def _everything_at_once(service: Service, headers: dict[str, str]) -> list[Any]:
    item = {"title": "A blue bicycle"}
    requests = [
        request
        for _ in range(6)
        for request in (
            service.client.get("/readyz"),
            service.client.get("/users/me", headers=headers),
            service.client.get("/items", headers=headers),
            service.client.post("/items", headers=headers, json=item),
        )
    ]
    return await asyncio.gather(*(asyncio.wait_for(request, IN_TIME_SECONDS) for request in requests))


async def test_a_replica_stops_in_time_though_its_database_is_silent(postgres: PostgresServer, url: str) -> None:
    async with AsyncExitStack() as exits:
        service = await exits.enter_async_context(
            running_service(make_settings(url, security=KEY, database=BY_DEFAULT))
        )
        user = await service.make_user()
        await asyncio.gather(*(service.client.get("/users/me", headers=bearer(user)) for _ in range(5)))

        async with _silent(postgres), asyncio.timeout(IN_TIME_SECONDS):
            await exits.aclose()


async def test_the_kernel_ends_connections_to_a_host_that_is_gone(url: str) -> None:
    async with _opened(url) as database, database.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        link = driver._transport.get_extra_info("socket")

        told = [link.getsockopt(socket.IPPROTO_TCP, name) for name in (socket.TCP_KEEPIDLE, socket.TCP_USER_TIMEOUT)]

    assert told == [3, 5000]
