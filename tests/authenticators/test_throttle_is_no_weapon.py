"""What somebody else uses up keeps nobody from what they need."""

from collections.abc import AsyncIterator

import pytest
from httpx import ASGITransport, AsyncClient, Response

from tests.support.oauth import assert_oauth_error
from tests.support.second_factor import enrol, finish, wrong_code
from tests.support.service import PASSWORD, Service, assert_problem, bearer, running_service
from tests.support.settings import make_settings
from tests.support.throttled import LIMITS


@pytest.fixture
async def service(migrated_database: str) -> AsyncIterator[Service]:
    limits = {**LIMITS, "mails_per_address": 2, "codes_per_account": 3, "costly_per_account": 2}
    settings = make_settings(migrated_database, throttle=limits, mail={"transport": "console"})
    async with running_service(settings) as service:
        yield service


async def _from_elsewhere(service: Service, path: str, body: dict[str, str]) -> Response:
    transport = ASGITransport(service.app, client=("198.51.100.7", 50_000))
    async with AsyncClient(transport=transport, base_url="http://auth.test") as client:
        return await client.post(path, json=body)


async def test_who_asks_for_other_mail_stops_nobodys_recovery(service: Service) -> None:
    ann = await service.make_user()
    body = {"email": ann.email}
    while (await _from_elsewhere(service, "/email-verifications", body)).status_code == 202:
        pass

    assert (await service.client.post("/password-recoveries", json=body)).status_code == 202


async def test_who_registers_an_address_stops_nobodys_registration(service: Service) -> None:
    body = {"email": "ann@example.com", "password": PASSWORD}
    while (await _from_elsewhere(service, "/users", {**body, "email": "Ann@example.com"})).status_code != 429:
        pass

    own = await service.client.post("/users", json=body)

    assert_problem(own, 409, code="email_taken")  # and no 429


async def test_who_guesses_at_codes_leaves_the_recovery_codes_alone(service: Service) -> None:
    ann = await enrol(service)
    refused: Response | None = None
    while refused is None or refused.status_code != 429:
        refused = await finish(service, await ann.begin(service), otp=wrong_code(ann.secret))
    assert_oauth_error(refused, "slow_down", status=429)

    done = await finish(service, await ann.begin(service), recovery_code=ann.recovery_codes[0])

    assert done.status_code == 200


async def test_what_is_costly_is_done_a_few_times_an_hour(service: Service) -> None:
    ann = await service.make_user(email_verified=True)

    answers = [await service.client.get("/users/me/export", headers=bearer(ann)) for _ in range(3)]
    enrolment = await service.client.post("/users/me/totp", headers=bearer(ann))

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert_problem(enrolment, 429, code="too_many_attempts")
