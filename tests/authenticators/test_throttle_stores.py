"""Where attempts are counted: the rules are the same everywhere, and a store that is away stops nobody."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import ColumnElement, literal_column
from sqlmodel import select
from structlog.testing import capture_logs

from auth_service.authenticators.models import ThrottleCounter
from auth_service.authenticators.throttle_database import DatabaseStore
from auth_service.authenticators.throttle_redis import RedisStore, SafeStore
from auth_service.authenticators.throttle_stores import Counter, CounterStore, MemoryStore, StoreAwayError
from auth_service.db.engine import Database
from auth_service.db.settings import DatabaseSettings
from tests.support.databases import Databases
from tests.support.throttled import Clock, guess, sign_in, throttled_service
from tests.support.valkey import Valkey, running_valkey

PAIR, NETWORK, ACCOUNT = Counter("pair", 3, 900), Counter("network", 5, 900), Counter("account", 4, 3600, "mark")

_WAITING: ColumnElement[int] = literal_column("(SELECT count(*) FROM pg_locks WHERE NOT granted)")


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    with running_valkey() as running:
        yield running


@pytest.fixture(params=["memory", "valkey", "sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, databases: Databases) -> str:
    """Return where to count: `memory`, or a URL."""
    if request.param == "postgresql" and databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    match request.param:
        case "memory":
            return "memory"
        case "valkey":
            url: str = request.getfixturevalue("valkey").url
            return url
        case kind:
            return databases.migrated(kind)


@pytest.fixture
async def store(storage: str) -> AsyncIterator[CounterStore]:
    if storage == "memory":
        yield MemoryStore()
    elif storage.startswith("valkey"):
        shared = RedisStore(storage)
        yield shared
        await shared.close()
    else:
        database = Database(DatabaseSettings.model_validate({"url": storage}))
        yield DatabaseStore(database)
        await database.dispose()


async def _count(store: CounterStore, *counters: Counter, times: int = 1) -> Sequence[float | None]:
    return await asyncio.gather(*[store.count(counters) for _ in range(times)])


async def test_of_many_at_once_as_many_are_counted_as_there_is_room_for(store: CounterStore) -> None:
    await _count(store, Counter("another", 100, 900), times=50)  # opens connections: then they do count at once

    waits = await _count(store, PAIR, NETWORK, ACCOUNT, times=50)

    assert waits.count(None) == 3
    assert all(890 < wait <= 900 for wait in waits if wait is not None)


async def test_what_is_refused_is_counted_nowhere(store: CounterStore) -> None:
    await _count(store, PAIR, NETWORK, ACCOUNT, times=20)

    waits = await _count(store, Counter("another pair", 3, 900), NETWORK, times=20)

    assert waits.count(None) == 2  # of the five that the network has, after three


async def test_the_wait_is_until_the_last_of_the_full_ones_has_room(store: CounterStore) -> None:
    await _count(store, PAIR, times=3)
    await _count(store, ACCOUNT, times=4)

    wait = await store.count([PAIR, NETWORK, ACCOUNT])

    assert wait is not None
    assert 3590 < wait <= 3600


async def test_a_mark_lifts_one_limit_and_success_clears_one_count(store: CounterStore) -> None:
    await _count(store, PAIR, NETWORK, times=3)
    await _count(store, ACCOUNT, times=4)

    await store.succeed(clear="pair", mark="mark", lasting=60)
    waits = await _count(store, PAIR, NETWORK, ACCOUNT, times=5)

    assert waits.count(None) == 2  # by the network, whose count stays


async def test_a_mark_that_does_not_last_lifts_nothing(store: CounterStore) -> None:
    await _count(store, ACCOUNT, times=4)

    await store.succeed(clear="pair", mark="mark", lasting=0)

    assert await store.count([ACCOUNT]) is not None


@pytest.mark.parametrize("lasting", [timedelta(minutes=1), timedelta(hours=12), timedelta(days=30)])
async def test_a_mark_that_is_over_is_renewed(migrated_database: str, lasting: timedelta) -> None:
    database = Database(DatabaseSettings.model_validate({"url": migrated_database}))
    store = DatabaseStore(database)
    await _count(store, ACCOUNT, times=4)
    await store.succeed(clear="pair", mark="mark", lasting=lasting.total_seconds())
    async with database.transaction(writing=True) as session:
        mark = await session.get_one(ThrottleCounter, "mark")
        mark.expires_at -= lasting

    refused = await store.count([ACCOUNT])
    await store.succeed(clear="pair", mark="mark", lasting=lasting.total_seconds())

    assert refused is not None
    assert await store.count([ACCOUNT]) is None
    await database.dispose()


async def test_a_window_that_is_over_begins_anew() -> None:
    clock = Clock()
    store = MemoryStore(clock=clock)
    await _count(store, PAIR, times=4)

    clock.now = 900.0

    assert (await _count(store, PAIR, times=4)).count(None) == 3


async def test_memory_forgets_the_oldest_when_there_is_too_much() -> None:
    store = MemoryStore(most=10)

    for number in range(1000):
        await store.count([Counter(str(number), 1, 900)])

    assert len(store._entries) == 10


async def test_with_its_valkey_killed_sign_in_works_within_a_second_and_is_throttled(
    migrated_database: str, valkey: Valkey
) -> None:
    async with throttled_service(migrated_database, storage=valkey.url) as service:
        ann = await service.make_user()
        assert len(valkey.keys()) == 3  # the network, the account, the mark
        assert ann.email not in str(valkey.keys())
        valkey.kill()

        with capture_logs() as lines:
            began = time.monotonic()
            assert await sign_in(service, ann.email, by="192.0.2.1") == 200
            took = time.monotonic() - began
            answers = await asyncio.gather(*[guess(service, ann.email, by="192.0.2.66") for _ in range(20)])

        assert took < 1
        assert sorted(answer.status_code for answer in answers) == [400] * 5 + [429] * 15
        assert [line["event"] for line in lines].count("throttle.store_away") == 1
        assert (await service.client.get("/readyz")).status_code == 200


async def test_a_valkey_that_is_back_is_used_again(valkey: Valkey) -> None:
    clock = Clock()
    store = SafeStore(RedisStore(valkey.url), clock=clock)
    await store.count([PAIR])
    told = [store.is_away]
    valkey.kill()

    with capture_logs() as lines:
        assert (await _count(store, PAIR, times=4)).count(None) == 3
        told.append(store.is_away)
        valkey.start()
        still_here = await store.count([PAIR])
        clock.now = 11.0
        back_there = [await store.count([PAIR]) for _ in range(4)]
        told.append(store.is_away)
    await store.close()

    assert told == [False, True, False]
    assert still_here is not None
    assert back_there.count(None) == 3
    assert len(valkey.keys()) == 1
    assert [line["event"] for line in lines] == ["throttle.store_away", "throttle.store_back"]


async def test_a_store_that_is_silent_is_given_up_within_a_second_and_then_not_asked() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        store = SafeStore(RedisStore(f"redis://127.0.0.1:{silent.getsockname()[1]}"))

        began = time.monotonic()
        counted = [await store.count([PAIR]) for _ in range(4)]
        await store.succeed(clear="pair", mark="mark", lasting=60)
        took = time.monotonic() - began
        with pytest.raises(StoreAwayError, match=r"^TimeoutError$"):
            await store.check()
        await store.close()

    assert took < 1
    assert counted.count(None) == 3


async def test_who_waits_for_a_count_sees_on_postgresql_that_the_last_place_is_gone(databases: Databases) -> None:
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    database = Database(
        DatabaseSettings.model_validate({"url": await asyncio.to_thread(databases.migrated, "postgresql")})
    )
    store = DatabaseStore(database)
    await _count(store, PAIR, times=2)

    async with database.transaction(writing=True) as session:
        await session.exec(select(ThrottleCounter).with_for_update())
        waiting = [asyncio.create_task(store.count([PAIR, NETWORK])) for _ in range(10)]
        while (await session.exec(select(_WAITING))).one() < 10:
            pass
    waits = await asyncio.gather(*waiting)
    await database.dispose()

    assert waits.count(None) == 1
