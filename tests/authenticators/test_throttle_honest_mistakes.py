"""What people do by mistake does not lock them out."""

from collections.abc import AsyncIterator

import pytest

from auth_service.authenticators.single_use import Purpose
from tests.support.oauth import assert_oauth_error
from tests.support.post import issue_token
from tests.support.service import PASSWORD, Service, assert_problem, bearer, running_service
from tests.support.settings import make_settings
from tests.support.throttled import LIMITS

NEW_PASSWORD = "a much better passphrase"


@pytest.fixture
async def service(migrated_database: str) -> AsyncIterator[Service]:
    limits = {**LIMITS, "mails_per_address": 2}
    async with running_service(
        make_settings(migrated_database, throttle=limits, mail={"transport": "console"})
    ) as service:
        yield service


async def test_who_guessed_too_often_and_recovers_is_let_in_at_once(service: Service) -> None:
    ann = await service.make_user()
    while (refused := await service.sign_in(ann.email, "wrong")).status_code == 400:
        pass
    assert_oauth_error(refused, "slow_down", status=429)
    token = await issue_token(service, ann.id, Purpose.RECOVER_PASSWORD)

    recovered = await service.client.post(
        "/password-recoveries/confirm", json={"token": token, "new_password": NEW_PASSWORD}
    )

    assert recovered.status_code == 204
    assert (await service.sign_in(ann.email, NEW_PASSWORD)).status_code == 200


async def test_passwords_that_are_refused_use_no_registration_up(service: Service) -> None:
    body = {"email": "eve@example.com", "password": "password1"}

    refused = [await service.client.post("/users", json=body) for _ in range(4)]
    taken = await service.client.post("/users", json={**body, "password": PASSWORD})

    assert [answer.json()["code"] for answer in refused] == ["weak_password"] * 4
    assert taken.status_code == 201


async def test_a_wrong_password_uses_no_mail_to_the_new_address_up(service: Service) -> None:
    ann = await service.make_user()
    body = {"new_email": "new@example.com", "current_password": "wrong"}

    refused = [await service.client.post("/users/me/email", json=body, headers=bearer(ann)) for _ in range(3)]
    asked = await service.client.post(
        "/users/me/email", json={**body, "current_password": PASSWORD}, headers=bearer(ann)
    )

    for answer in refused:
        assert_problem(answer, 403, code="wrong_password")
    assert asked.status_code == 202
