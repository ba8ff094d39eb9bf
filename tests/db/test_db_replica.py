"""The read replica by itself: when it is tried, how long it is waited for, and what is not an outage."""

from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from structlog.testing import capture_logs

from auth_service.db import replica as replica_module
from auth_service.db.engine import Database
from auth_service.db.keyset import InvalidPositionError
from auth_service.db.replica import Lists, Replica, ReplicaAwayError
from auth_service.db.session import Session
from auth_service.db.settings import DatabaseSettings
from tests.support.own_postgres import own_postgres
from tests.support.postgres import PostgresServer


class _Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of these tests' own, because they stop it."""
    with own_postgres() as started:
        yield started


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
async def replica(server: PostgresServer, clock: _Clock) -> AsyncIterator[Replica]:
    settings = DatabaseSettings.model_validate({"url": server.url, "connect_timeout": "PT20S"})
    replica = Replica(settings, SecretStr(server.url), clock=clock)
    yield replica
    server.start()
    await replica.database.dispose()


async def _ask(session: Session, question: str = "SELECT 'an answer'") -> object:
    return (await (await session.connection()).execute(text(question))).scalar_one()


async def _try(replica: Replica) -> str:
    try:
        return str(await replica.read(_ask))
    except ReplicaAwayError as error:
        return "away" if error.__cause__ else "not tried"


async def test_one_that_is_away_is_tried_again_after_a_while_and_by_one_read_only(
    server: PostgresServer, replica: Replica, clock: _Clock
) -> None:
    tries = [await _try(replica)]

    server.stop()
    tries += [await _try(replica), await _try(replica)]
    clock.now += 5
    tries += [await _try(replica), await _try(replica)]
    server.start()
    tries += [await _try(replica)]
    clock.now += 5
    tries += [await _try(replica), await _try(replica)]

    assert tries == ["an answer", "away", "not tried", "away", "not tried", "not tried", "an answer", "an answer"]


async def test_while_one_read_finds_out_whether_it_is_back_the_others_do_not_wait(
    server: PostgresServer, replica: Replica, clock: _Clock
) -> None:
    server.stop()
    await _try(replica)
    clock.now += 5
    server.start()
    meanwhile: list[str] = []

    async def ask(session: Session) -> object:
        meanwhile.append(await _try(replica))
        return await _ask(session)

    found = await replica.read(ask)

    assert (found, meanwhile) == ("an answer", ["not tried"])


async def test_one_that_falls_silent_in_the_middle_of_a_read_is_given_up(
    server: PostgresServer, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica_module, "_LONGEST_READ_SECONDS", 0.2)

    async def ask(session: Session) -> object:
        backend = int(str(await _ask(session, "SELECT pg_backend_pid()")))
        with server.frozen([backend]):
            return await _ask(session)

    with capture_logs() as logs, pytest.raises(ReplicaAwayError):
        await replica.read(ask)

    assert [log["event"] for log in logs] == ["read_replica.away"]


async def test_a_refusal_is_no_outage(replica: Replica) -> None:
    async def refuse(_session: Session) -> None:
        raise InvalidPositionError

    with pytest.raises(InvalidPositionError):
        await replica.read(refuse)

    assert await _try(replica) == "an answer"


async def test_while_the_replica_is_read_no_connection_to_the_primary_is_kept(
    server: PostgresServer, replica: Replica
) -> None:
    primary = Database(DatabaseSettings.model_validate({"url": server.url, "pool_size": 1, "pool_overflow": 0}))
    kept = []

    async def ask(session: Session) -> object:
        kept.append(primary.engine.pool.checkedout())  # type: ignore[attr-defined]
        return await _ask(session)

    async with primary.transaction(writing=False) as session:
        before = await _ask(session)
        found = await Lists(session, replica).read(ask)
        after = await _ask(session)
    await primary.dispose()

    assert (before, found, after) == ("an answer",) * 3
    assert kept == [0]
