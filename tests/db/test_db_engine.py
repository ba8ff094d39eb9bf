"""The engine: what SQLite is told, who waits for whom, and what an outage is called."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy import text

from auth_service.db.engine import Database
from auth_service.db.errors import DatabaseUnavailableError
from auth_service.db.session import Session
from auth_service.db.settings import DatabaseSettings
from tests.support.databases import Databases
from tests.support.processes import prepare_new_files, running_at_once
from tests.support.service import running_service
from tests.support.settings import make_settings


def _open(url: str, **settings: object) -> Database:
    return Database(DatabaseSettings.model_validate({"url": url, **settings}), may_create=True)


@pytest.fixture
async def database(empty_database: str) -> AsyncIterator[Database]:
    """Return a database with a counter that stands at zero."""
    database = _open(empty_database, connect_timeout=30)
    async with database.transaction(writing=True) as session:
        await _do(session, "CREATE TABLE counters (value INTEGER NOT NULL)")
        await _do(session, "INSERT INTO counters VALUES (0)")
    yield database
    await database.dispose()


async def _do(session: Session, statement: str, **values: object) -> None:
    await (await session.connection()).execute(text(statement), values)


async def _read(session: Session, question: str = "SELECT value FROM counters") -> object:
    value: object = (await (await session.connection()).execute(text(question))).scalar_one()
    return value


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 1), ("busy_timeout", 5000)],
)
async def test_sqlite_is_told_how_to_behave_on_every_connection(
    databases: Databases, pragma: str, value: object
) -> None:
    database = _open(databases.empty("sqlite"))

    async with database.transaction(writing=False) as one, database.transaction(writing=False) as other:
        answers = [await _read(session, f"PRAGMA {pragma}") for session in (one, other)]

    assert answers == [value, value]
    await database.dispose()


async def test_no_increment_of_many_at_once_is_lost(database: Database) -> None:
    locking = "SELECT value FROM counters"
    if database.engine.dialect.name == "postgresql":
        locking += " FOR UPDATE"

    async def increment() -> None:
        async with database.transaction(writing=True) as session:
            value = await _read(session, locking)
            await asyncio.sleep(0)
            await _do(session, "UPDATE counters SET value = :value", value=int(str(value)) + 1)

    await asyncio.gather(*(increment() for _ in range(160)))

    async with database.transaction(writing=False) as session:
        assert await _read(session) == 160


async def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    async with database.transaction(writing=True) as writer:
        await _do(writer, "UPDATE counters SET value = 7")

        async with database.transaction(writing=False) as reader:
            seen_meanwhile = await _read(reader)

    async with database.transaction(writing=False) as reader:
        assert (seen_meanwhile, await _read(reader)) == (0, 7)


async def test_what_raises_is_rolled_back(database: Database) -> None:
    async def change_and_fail() -> None:
        async with database.transaction(writing=True) as session:
            await _do(session, "UPDATE counters SET value = 7")
            raise KeyError

    with pytest.raises(KeyError):
        await change_and_fail()

    async with database.transaction(writing=False) as session:
        assert await _read(session) == 0


async def test_a_pool_with_nothing_left_is_an_outage(empty_database: str) -> None:
    database = _open(empty_database, pool_size=1, pool_overflow=0, connect_timeout=0.05)

    async with database.transaction(writing=False) as session:
        await _read(session, "SELECT 1")
        with pytest.raises(DatabaseUnavailableError):
            async with database.transaction(writing=False) as another:
                await _read(another, "SELECT 1")

    await database.dispose()


async def test_a_defect_of_ours_is_not_taken_for_an_outage(database: Database) -> None:
    with pytest.raises(Exception, match=r"NOT NULL|null value") as caught:
        async with database.transaction(writing=True) as session:
            await _do(session, "INSERT INTO counters VALUES (NULL)")

    assert not isinstance(caught.value, DatabaseUnavailableError)


@pytest.fixture
def standby(databases: Databases) -> str:
    """Return the URL of a PostgreSQL that takes no writes, as one does that has lost its role as the primary."""
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    return f"{databases.postgresql}?options=-c%20default_transaction_read_only%3Don"


async def test_a_standby_is_an_outage_for_writers(standby: str) -> None:
    database = _open(standby)

    with pytest.raises(DatabaseUnavailableError):
        async with database.transaction(writing=True) as session:
            await _do(session, "CREATE TABLE never (value INTEGER)")

    await database.dispose()


@pytest.fixture
def sqlite_database(databases: Databases) -> str:
    return databases.migrated("sqlite")


async def test_writers_that_wait_too_long_get_503_and_never_500(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auth_service.db.sqlite._BUSY_TIMEOUT_SECONDS", 0.05)
    body = {"password": "correct horse battery staple"}
    async with running_service(
        make_settings(sqlite_database, database={"connect_timeout": 0.2, "pool_size": 3})
    ) as service:
        transport = ASGITransport(service.app, raise_app_exceptions=False)
        with closing(sqlite3.connect(sqlite_database.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with AsyncClient(transport=transport, base_url="http://auth.test") as client:
                blocked = await asyncio.gather(
                    *(client.post("/users", json={"email": f"u{n}@example.com", **body}) for n in range(30))
                )
                alive, ready = await client.get("/livez"), await client.get("/readyz")
            other.execute("ROLLBACK")
        recovered = await service.client.post("/users", json={"email": "u@example.com", **body})

    assert {answer.status_code for answer in blocked} == {503}
    assert {answer.headers["retry-after"] for answer in blocked} == {"2"}
    assert (alive.status_code, ready.status_code, recovered.status_code) == (200, 200, 201)


def test_processes_that_open_a_new_file_at_the_same_moment_all_get_in(tmp_path: Path) -> None:
    with running_at_once(prepare_new_files, [(tmp_path, 100, time.time() + 0.5)] * 3) as processes:
        exit_codes = [process.wait() for process in processes]

    assert exit_codes == [0] * 3, [process.text for process in processes]
