"""Rotation: who signs, from when on, and for how long a key stays published after that."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from auth_service.authz.principal import OPERATOR
from auth_service.tokens.errors import YoungKeyError
from auth_service.tokens.key_repository import StoredKeys
from auth_service.tokens.key_schedule import rotates_at
from auth_service.tokens.models import RevocationRecord
from auth_service.tokens.revocations import RevocationKind, revocation_digest
from auth_service.tokens.settings import TokenSettings
from auth_service.wiring.runtime import Runtime
from tests.support.keys import KeyStore, key_events
from tests.support.service import Service, running_service
from tests.support.settings import ISSUER, make_settings
from tests.support.tokens import assert_invalid_token, read_me

DWELL, INTERVAL = timedelta(hours=24), timedelta(days=30)
RETENTION = timedelta(minutes=10, seconds=30 + 60) + timedelta(hours=1)  # life, leeway, margin, refresh of the tests


@pytest.fixture
async def replica(migrated_database: str) -> AsyncIterator[Service]:
    async with running_service(make_settings(migrated_database)) as service:
        yield service


@pytest.fixture
def store(replica: Service) -> KeyStore:
    return KeyStore(replica.runtime.settings)


async def rotate(service: Service, *, emergency: bool = False) -> None:
    async with service.runtime.unit_of_work(writing=True) as work:
        await work.key_rotation.rotate(OPERATOR, emergency=emergency)
    await service.runtime.tend_keys()


async def revoke(service: Service, kid: str, *, emergency: bool = False) -> None:
    async with service.runtime.unit_of_work(writing=True) as work:
        await work.key_rotation.revoke(OPERATOR, kid, emergency=emergency)
    await service.runtime.tend_keys()


async def test_a_rotation_lets_the_next_key_sign_and_makes_another_one(replica: Service, store: KeyStore) -> None:
    first, second = await store.kid("active"), await store.kid("next")
    await store.let_pass(DWELL)

    await rotate(replica)

    third = await store.kid("next")
    events = await key_events(replica)
    assert await store.states() == {first: "retired", second: "active", third: "next"}
    assert list(replica.runtime.keys.published) == [second, third, first]
    assert replica.runtime.keys.active.kid == second
    assert events["signing_key.rotated", second] == {"retired": first}
    assert events["signing_key.created", third] == {"algorithm": "ES256", "state": "next"}


async def test_a_young_next_key_is_refused_and_the_refusal_says_until_when(replica: Service, store: KeyStore) -> None:
    await store.let_pass(DWELL - timedelta(minutes=1))
    before = await store.states()
    made = next(record.created_at for record in await store.all() if record.state == "next")

    with pytest.raises(YoungKeyError, match=f"before {made + DWELL:%Y-%m-%d %H:%M:%S} UTC"):
        await rotate(replica)

    assert await store.states() == before


async def test_in_an_emergency_a_young_key_signs_at_once(replica: Service, store: KeyStore) -> None:
    first, second = await store.kid("active"), await store.kid("next")

    await rotate(replica, emergency=True)

    assert await store.kid("active") == second
    assert (await store.states())[first] == "retired"


@pytest.mark.parametrize(
    ("age", "rotates"),
    [
        pytest.param(timedelta(0), False, id="new"),
        pytest.param(INTERVAL - timedelta(minutes=1), False, id="almost old enough"),
        pytest.param(INTERVAL, True, id="old enough"),
    ],
)
async def test_the_schedule_rotates_an_active_key_of_that_age(
    replica: Service, store: KeyStore, age: timedelta, *, rotates: bool
) -> None:
    first, second = await store.kid("active"), await store.kid("next")
    await store.let_pass(age)

    await replica.runtime.tend_keys()

    assert replica.runtime.keys.active.kid == await store.kid("active") == (second if rotates else first)


async def test_the_schedule_waits_for_the_dwell_of_the_next_key(replica: Service, store: KeyStore) -> None:
    first = await store.kid("active")
    await store.let_pass(INTERVAL)
    await store.delete("next")

    await replica.runtime.tend_keys()  # makes a next key
    await replica.runtime.tend_keys()

    assert await store.kid("active") == first
    assert len(await store.all()) == 2


async def test_tokens_of_a_retired_key_are_good_until_the_last_one_has_expired(
    replica: Service, store: KeyStore
) -> None:
    account, retired = await replica.make_user(), await store.kid("active")
    await rotate(replica, emergency=True)

    await store.let_pass(RETENTION - timedelta(seconds=30))
    await replica.runtime.tend_keys()
    before = await read_me(replica, account.token)
    await store.let_pass(timedelta(seconds=31))
    await replica.runtime.tend_keys()

    assert before.status_code == 200
    assert retired not in replica.runtime.keys.published
    assert_invalid_token(await read_me(replica, account.token))
    assert (await key_events(replica))["signing_key.removed", retired] == {"state": "retired"}


async def test_a_missing_next_key_is_made_before_anything_else(replica: Service, store: KeyStore) -> None:
    active = await store.kid("active")
    await store.delete("next")

    await rotate(replica, emergency=True)

    assert sorted((await store.states()).values()) == ["active", "next", "retired"]
    assert (await store.states())[active] == "retired"


async def test_a_lost_active_key_is_followed_by_the_next_one(replica: Service, store: KeyStore) -> None:
    upcoming = await store.kid("next")
    await store.delete("active")
    await store.let_pass(DWELL)

    async with replica.runtime.unit_of_work(writing=True) as work:
        await work.key_rotation.follow_schedule()

    assert await store.kid("active") == upcoming


async def test_at_a_start_too_the_next_key_follows_a_lost_active_one(replica: Service, store: KeyStore) -> None:
    upcoming = await store.kid("next")
    await store.delete("active")

    await replica.runtime.load_keys()

    assert await store.kid("active") == upcoming
    assert sorted((await store.states()).values()) == ["active", "next"]


@pytest.mark.parametrize("scheduled", [True, False], ids=["schedule", "command"])
async def test_of_many_replicas_one_rotates(replica: Service, store: KeyStore, *, scheduled: bool) -> None:
    await store.let_pass(INTERVAL)

    async def act(runtime: Runtime) -> None:
        async with runtime.unit_of_work(writing=True) as work:
            rotation = work.key_rotation
            await (rotation.follow_schedule() if scheduled else rotation.rotate(OPERATOR, emergency=False))

    runtimes = [Runtime(replica.runtime.settings) for _ in range(5)]
    outcomes = await asyncio.gather(*(act(runtime) for runtime in runtimes), return_exceptions=True)
    for runtime in runtimes:
        await runtime.close()

    refused = [outcome for outcome in outcomes if outcome is not None]
    assert [type(outcome) for outcome in refused] == ([] if scheduled else [YoungKeyError] * 4)
    assert sorted((await store.states()).values()) == ["active", "next", "retired"]


@pytest.mark.parametrize("state", ["active", "next", "retired"])
async def test_a_revoked_key_is_gone_and_in_the_feed(replica: Service, store: KeyStore, state: str) -> None:
    account = await replica.make_user()
    await rotate(replica, emergency=True)
    renewed = await replica.sign_in_again(account)
    kid, before = await store.kid(state), await store.states()

    await revoke(replica, kid, emergency=True)

    after = await store.states()
    ended = {"active": renewed.token, "retired": account.token}
    async with replica.runtime.database.transaction(writing=False) as session:
        (entry,) = (await session.exec(select(RevocationRecord))).all()
    assert kid not in after.keys() | replica.runtime.keys.published.keys()
    assert (
        sorted(after.values())
        == (["active", "next"] if state == "retired" else ["active", "next", "retired"])[: 2 + (state != "retired")]
    )
    assert len(after.keys() - before.keys()) == (0 if state == "retired" else 1)
    assert (entry.kind, entry.digest) == ("kid", revocation_digest(RevocationKind.KEY, kid))
    assert (await key_events(replica))["signing_key.revoked", kid] == {"state": state}
    for name, token in ended.items():
        answer = await read_me(replica, token)
        if name == state:
            assert_invalid_token(answer)
        else:
            assert answer.status_code == 200


async def test_a_revoked_key_that_signed_is_followed_by_the_next_one_at_once(replica: Service, store: KeyStore) -> None:
    revoked, upcoming = await store.kid("active"), await store.kid("next")

    await revoke(replica, revoked, emergency=True)

    assert replica.runtime.keys.active.kid == upcoming
    assert (await read_me(replica, (await replica.make_user()).token)).status_code == 200


async def test_a_revoked_key_without_a_next_one_is_followed_by_a_new_one(replica: Service, store: KeyStore) -> None:
    revoked = await store.kid("active")
    await store.delete("next")

    await revoke(replica, revoked, emergency=True)

    assert sorted((await store.states()).values()) == ["active", "next"]
    assert revoked not in await store.states()


def test_without_a_next_key_nothing_is_due() -> None:
    stored = StoredKeys(records=[], now=datetime.now(UTC))

    assert rotates_at(stored, TokenSettings(issuer=ISSUER)) is None
