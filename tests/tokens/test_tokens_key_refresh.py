"""Replicas take over what another one changed, and go on with what they have while they cannot."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from auth_service.authz.principal import OPERATOR
from auth_service.settings import Settings
from auth_service.wiring.runtime import Runtime
from tests.support.keys import KeyStore
from tests.support.service import Service, assert_problem, running_service
from tests.support.settings import make_settings, new_master_key
from tests.support.tokens import assert_invalid_token, read_me

OLD, NEW = new_master_key(), new_master_key()
DWELL = timedelta(hours=24)


def settings_with(url: str, *master_keys: str) -> Settings:
    return make_settings(url, security={"master_keys": ",".join(master_keys)})


@pytest.fixture
async def replica(migrated_database: str) -> AsyncIterator[Service]:
    async with running_service(settings_with(migrated_database, OLD)) as service:
        yield service


@pytest.fixture
async def other(replica: Service) -> AsyncIterator[Runtime]:
    """Another replica, which has got a new master key already."""
    url = replica.runtime.settings.database.url.get_secret_value()
    async with Runtime(settings_with(url, NEW, OLD)) as runtime:
        await runtime.load_keys()
        yield runtime


@pytest.fixture
def store(replica: Service) -> KeyStore:
    return KeyStore(replica.runtime.settings)


async def rotate(runtime: Runtime) -> None:
    async with runtime.unit_of_work(writing=True) as work:
        await work.key_rotation.rotate(OPERATOR, emergency=True)


async def test_a_replica_signs_with_what_another_one_rotated_to(replica: Service, store: KeyStore) -> None:
    before, account = replica.runtime.keys, await replica.make_user()
    await rotate(replica.runtime)

    await replica.runtime.tend_keys()

    renewed = await replica.sign_in_again(account)
    assert replica.runtime.keys.active.kid == await store.kid("active") != before.active.kid
    assert [(await read_me(replica, token)).status_code for token in (account.token, renewed.token)] == [200, 200]


async def test_nothing_is_opened_twice(replica: Service) -> None:
    before = replica.runtime.keys.published

    await replica.runtime.tend_keys()

    after = replica.runtime.keys.published
    assert all(after[kid] is key for kid, key in before.items())
    assert after.keys() == before.keys()


async def test_a_key_that_another_replica_revoked_is_refused_here(replica: Service, store: KeyStore) -> None:
    account, kid = await replica.make_user(), await store.kid("active")
    async with Runtime(replica.runtime.settings) as other, other.unit_of_work(writing=True) as work:
        await work.key_rotation.revoke(OPERATOR, kid, emergency=True)

    await replica.runtime.tend_keys()

    published = (await replica.client.get("/.well-known/jwks.json")).json()["keys"]
    assert_invalid_token(await read_me(replica, account.token))
    assert kid not in {key["kid"] for key in published}


async def test_a_next_key_that_does_not_open_is_reported_and_not_published(
    replica: Service, other: Runtime, store: KeyStore
) -> None:
    await store.delete("next")
    await other.tend_keys()  # makes one under the new master key

    with capture_logs() as logs:
        await replica.runtime.tend_keys()

    unknown = await store.kid("next")
    assert {"event": "signing_key.unusable", "log_level": "error", "kid": unknown, "state": "next"} in logs
    assert unknown not in replica.runtime.keys.published
    assert (await replica.client.get("/readyz")).status_code == 200
    assert (await read_me(replica, (await replica.make_user()).token)).status_code == 200


async def test_a_replica_that_cannot_open_the_next_key_leaves_the_rotation_to_others(
    replica: Service, other: Runtime, store: KeyStore
) -> None:
    await store.delete("next")
    await other.tend_keys()
    await store.let_pass(timedelta(days=31))
    before = await store.states()

    with capture_logs() as logs:
        await replica.runtime.tend_keys()
    after_the_one, ready = await store.states(), await replica.client.get("/readyz")
    await other.tend_keys()

    assert after_the_one == before
    assert [entry["event"] for entry in logs] == ["signing_key.unusable", "signing_keys.unusable"]
    assert ready.status_code == 200
    assert before[await store.kid("active")] == "next"


async def test_a_replica_that_cannot_open_the_active_key_keeps_its_keys_and_is_not_ready(
    replica: Service, other: Runtime, store: KeyStore
) -> None:
    account = await replica.make_user()
    await store.delete("next")
    await other.tend_keys()
    await rotate(other)
    held = replica.runtime.keys.published

    with capture_logs() as logs:
        await replica.runtime.tend_keys()

    assert "signing_keys.unusable" in [entry["event"] for entry in logs]
    assert_problem(await replica.client.get("/readyz"), 503, code="signing_keys_unusable")
    assert replica.runtime.keys.published == held
    assert (await replica.client.get("/.well-known/jwks.json")).status_code == 200
    assert (await read_me(replica, account.token)).status_code == 200


async def test_a_replica_is_ready_again_as_soon_as_it_can_open_the_active_key(
    replica: Service, store: KeyStore
) -> None:
    record = next(record for record in await store.all() if record.state == "active")
    account = await replica.make_user()
    await store.delete("active")
    with capture_logs():
        await replica.runtime.tend_keys()
    unready = await replica.client.get("/readyz")

    async with replica.runtime.database.transaction(writing=True) as session:
        session.add(type(record)(**record.model_dump()))
    await replica.runtime.tend_keys()

    assert unready.status_code == 503
    assert (await replica.client.get("/readyz")).status_code == 200
    assert (await read_me(replica, account.token)).status_code == 200


async def test_keys_that_were_opened_before_go_on_under_a_master_key_that_is_missing_here(
    replica: Service, other: Runtime
) -> None:
    before = replica.runtime.keys
    async with other.unit_of_work(writing=True) as work:
        rewrapped = await work.key_inventory.rewrap(OPERATOR)

    with capture_logs() as logs:
        await replica.runtime.tend_keys()

    assert rewrapped == (2, 2)
    assert [entry["event"] for entry in logs] == ["signing_key.unusable"] * 2
    assert replica.runtime.keys.published == before.published
    assert (await replica.client.get("/readyz")).status_code == 200


async def test_a_replica_that_has_not_read_the_keys_for_long_signs_nothing(
    replica: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have missed a rotation; what an old key signs now could outlive its publication."""
    account = await replica.make_user()
    real = time.monotonic
    grace = replica.runtime.settings.tokens.key_grace.total_seconds()

    monkeypatch.setattr(time, "monotonic", lambda: real() + grace)
    refused = await replica.sign_in(account.email)
    accepted = await read_me(replica, account.token)
    await replica.runtime.tend_keys()
    again = await replica.sign_in(account.email)

    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert (accepted.status_code, again.status_code) == (200, 200)
