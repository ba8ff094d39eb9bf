"""How often somebody may try to sign in: counted before a password is checked, in the store that all replicas share."""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from httpx import Response
from sqlmodel import delete, select
from structlog.testing import capture_logs

from auth_service.authenticators.models import ThrottleCounter
from auth_service.authenticators.throttle_database import forget_expired_counters
from tests.support.oauth import assert_oauth_error
from tests.support.second_factor import enrol
from tests.support.service import PASSWORD, Service
from tests.support.throttled import counted_checks, guess, sign_in, throttled_service


@pytest.fixture
async def throttled(migrated_database: str) -> AsyncIterator[Service]:
    async with throttled_service(migrated_database) as service:
        yield service


async def _counters(service: Service) -> list[ThrottleCounter]:
    async with service.runtime.database.transaction(writing=False) as session:
        return list((await session.exec(select(ThrottleCounter))).all())


async def _let_time_pass(service: Service, seconds: float) -> None:
    """Let every window end that much earlier."""
    async with service.runtime.database.transaction(writing=True) as session:
        for counter in (await session.exec(select(ThrottleCounter))).all():
            counter.expires_at -= timedelta(seconds=seconds)


async def _forget_counters(service: Service) -> None:
    """Let nobody have tried anything, nor signed in from anywhere."""
    async with service.runtime.database.transaction(writing=True) as session:
        await session.exec(delete(ThrottleCounter))


def _statuses(responses: list[Response]) -> list[int]:
    return sorted(response.status_code for response in responses)


async def test_a_hundred_guesses_at_once_cost_no_more_checks_than_the_throttle_allows(throttled: Service) -> None:
    ann = await throttled.make_user(username="ann")
    spellings = [ann.email, ann.email.upper(), f" {ann.email}"]

    with counted_checks(throttled.runtime.hasher) as checked:
        responses = await asyncio.gather(*[guess(throttled, spellings[n % 3], by="192.0.2.66") for n in range(100)])

    assert _statuses(responses) == [400] * 5 + [429] * 95
    assert len(checked) == 5


async def test_a_hundred_networks_at_once_get_no_more_checks_of_one_account_than_it_allows(throttled: Service) -> None:
    ann = await throttled.make_user()  # whose first sign-in counts

    with counted_checks(throttled.runtime.hasher) as checked:
        responses = await asyncio.gather(*[guess(throttled, ann.email, by=f"198.51.100.{n}") for n in range(100)])

    assert _statuses(responses) == [400] * 7 + [429] * 93
    assert len(checked) == 7


async def test_known_and_unknown_identifiers_are_throttled_alike(throttled: Service) -> None:
    ann = await throttled.make_user(username="ann")
    known = [await guess(throttled, "Ann", by="192.0.2.66") for _ in range(7)]
    unknown = [await guess(throttled, "nobody", by="192.0.2.67") for _ in range(7)]
    malformed = [await guess(throttled, "no address @@", by="192.0.2.68") for _ in range(7)]

    for responses in (unknown, malformed):
        assert [(each.status_code, each.content) for each in responses] == [
            (each.status_code, each.content) for each in known
        ]
    assert await sign_in(throttled, ann.email, by="192.0.2.66") == 200  # another identifier, counted by itself


async def test_a_refusal_is_oauth_json_and_leaves_a_line_in_the_log_but_no_audit_event(throttled: Service) -> None:
    ann = await throttled.make_user()
    for _ in range(5):
        await guess(throttled, ann.email, by="192.0.2.66")
    events = len(await throttled.audit_events())

    with capture_logs() as lines:
        response = await guess(throttled, ann.email, by="192.0.2.66")

    assert_oauth_error(response, "slow_down", status=429)
    assert 0 < int(response.headers["retry-after"]) <= 900
    assert [line["event"] for line in lines] == ["throttle.refused"]
    assert ann.email not in json.dumps(lines, default=str)
    assert len(await throttled.audit_events()) == events


async def test_whoever_comes_back_after_retry_after_is_let_in_and_not_sooner(throttled: Service) -> None:
    ann = await throttled.make_user()
    for _ in range(6):
        refused = await guess(throttled, ann.email, by="192.0.2.66")
    retry_after = int(refused.headers["retry-after"])

    await _let_time_pass(throttled, retry_after - 60)
    too_soon = await guess(throttled, ann.email, by="192.0.2.66")
    await _let_time_pass(throttled, int(too_soon.headers["retry-after"]))

    assert too_soon.status_code == 429
    assert math.isclose(int(too_soon.headers["retry-after"]), 60, abs_tol=30)
    assert await sign_in(throttled, ann.email, by="192.0.2.66") == 200


async def test_the_owner_signs_in_from_anywhere_else_while_one_network_guesses(throttled: Service) -> None:
    ann = await throttled.make_user()
    for _ in range(30):
        await guess(throttled, ann.email, by="192.0.2.66")

    assert await sign_in(throttled, ann.email, by="192.0.2.66") == 429
    assert await sign_in(throttled, ann.email, by="203.0.113.9") == 200


async def test_while_many_networks_guess_the_owner_signs_in_from_where_they_did_before(throttled: Service) -> None:
    ann = await throttled.make_user()  # who signs in from 192.0.2.1
    for number in range(30):
        await guess(throttled, ann.email, by=f"198.51.100.{number}")

    assert await sign_in(throttled, ann.email, by="203.0.113.9") == 429
    for _ in range(12):
        assert await sign_in(throttled, ann.email, by="192.0.2.1") == 200


async def test_a_network_is_familiar_by_the_address_and_by_the_username(throttled: Service) -> None:
    ann = await throttled.make_user(username="ann")  # who signs in from 192.0.2.1, by the address
    for number in range(20):
        await guess(throttled, ("ann", ann.email)[number % 2], by=f"198.51.100.{number}")

    assert await sign_in(throttled, "ann", by="203.0.113.9") == 429
    assert await sign_in(throttled, "ann", by="192.0.2.1") == 200


async def test_a_password_without_the_second_factor_clears_nothing(throttled: Service) -> None:
    ann = (await enrol(throttled)).account

    answers = [await guess(throttled, ann.email, by="192.0.2.66", password=PASSWORD) for _ in range(6)]

    assert [answer.json()["error"] for answer in answers] == ["mfa_required"] * 5 + ["slow_down"]


async def test_a_network_is_familiar_after_the_second_factor_and_not_before(throttled: Service) -> None:
    ann = await enrol(throttled)
    await _forget_counters(throttled)
    await ann.begin(throttled)  # from 192.0.2.1
    for number in range(8):
        await guess(throttled, ann.account.email, by=f"198.51.100.{number}")
    refused = await sign_in(throttled, ann.account.email, by="192.0.2.1")
    await _forget_counters(throttled)

    assert (await ann.sign_in(throttled)).status_code == 200
    for number in range(8):
        await guess(throttled, ann.account.email, by=f"198.51.100.{number}")

    assert refused == 429
    assert (await ann.sign_in(throttled)).status_code == 200


async def test_a_network_that_is_familiar_to_one_account_is_not_to_another(throttled: Service) -> None:
    await throttled.make_user()
    bob = await throttled.make_user(email="bob@example.com")
    await _forget_counters(throttled)
    for number in range(30):
        await guess(throttled, bob.email, by=f"198.51.100.{number}")

    assert await sign_in(throttled, bob.email, by="192.0.2.1") == 429


async def test_success_on_one_account_does_not_reset_what_its_network_has_tried(migrated_database: str) -> None:
    async with throttled_service(migrated_database, guesses_per_network=8) as service:
        ann = await service.make_user()
        for number in range(3):
            await guess(service, f"victim{number}@example.com", by="192.0.2.66")
            assert await sign_in(service, ann.email, by="192.0.2.66") == 200
        for number in range(2):
            await guess(service, f"other{number}@example.com", by="192.0.2.66")

        refused = await guess(service, "another@example.com", by="192.0.2.66")

        assert refused.status_code == 429
        assert await sign_in(service, ann.email, by="192.0.2.66") == 429


async def test_success_clears_the_count_of_its_pair(throttled: Service) -> None:
    ann = await throttled.make_user()

    for _ in range(4):
        for _ in range(4):
            assert (await guess(throttled, ann.email, by="192.0.2.1")).status_code == 400
        assert await sign_in(throttled, ann.email, by="192.0.2.1") == 200


async def test_a_network_that_is_refused_stores_nothing_about_whom_it_tries(migrated_database: str) -> None:
    async with throttled_service(migrated_database, guesses_per_network=3) as service:
        for number in range(20):
            await guess(service, f"ann{number}@example.com", by="192.0.2.66")

        stored = await _counters(service)

    assert len(stored) == 3 + 3 + 1
    assert all(len(counter.key) == 64 for counter in stored)


async def test_counters_that_are_over_are_removed_and_others_stay(throttled: Service) -> None:
    await guess(throttled, "ann@example.com", by="192.0.2.66")
    await _let_time_pass(throttled, 900)  # the pair's and the network's window

    async with throttled.runtime.unit_of_work(writing=True) as work:
        await work.forget_batch()

    assert [counter.count for counter in await _counters(throttled)] == [1]
    async with throttled.runtime.database.transaction(writing=True) as session:
        assert not await forget_expired_counters(session)


async def test_the_right_password_of_a_disabled_account_is_counted_like_a_wrong_one(throttled: Service) -> None:
    account = await throttled.make_user(is_active=False)

    statuses = [await sign_in(throttled, account.email, by="198.51.100.7") for _ in range(6)]

    assert statuses == [400] * 5 + [429]
