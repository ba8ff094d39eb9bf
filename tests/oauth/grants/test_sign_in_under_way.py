"""A sign-in whose password is being checked while the account changes: what was right at its start does not count."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from httpx import AsyncClient, Response
from pydantic import SecretStr
from sqlmodel import col, update

from auth_service.security.passwords import PasswordHasher
from auth_service.security.settings import HashingSettings
from auth_service.users.models import User
from tests.conftest import MakeUser
from tests.support.held import held_verification
from tests.support.service import PASSWORD, Account, Service, bearer
from tests.support.settings import CHEAP_HASHES

NEW_PASSWORD = "a much better passphrase"
Act = Callable[[AsyncClient, Account, Account], Awaitable[Response]]


async def _change_password(client: AsyncClient, user: Account, _administrator: Account) -> Response:
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    return await client.put("/users/me/password", headers=bearer(user), json=body)


async def _disable(client: AsyncClient, user: Account, administrator: Account) -> Response:
    return await client.patch(f"/users/{user.id}", headers=bearer(administrator), json={"is_active": False})


async def _disable_and_enable(client: AsyncClient, user: Account, administrator: Account) -> Response:
    await _disable(client, user, administrator)
    return await client.patch(f"/users/{user.id}", headers=bearer(administrator), json={"is_active": True})


async def _change_address(client: AsyncClient, user: Account, administrator: Account) -> Response:
    return await client.patch(f"/users/{user.id}", headers=bearer(administrator), json={"email": "new@example.com"})


async def _delete(client: AsyncClient, user: Account, administrator: Account) -> Response:
    return await client.delete(f"/users/{user.id}", headers=bearer(administrator))


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        pytest.param(_change_password, "credentials_changed", id="the password changes"),
        pytest.param(_disable, "disabled", id="the account is disabled"),
        pytest.param(_disable_and_enable, "credentials_changed", id="the account is disabled and enabled"),
        pytest.param(_change_address, "credentials_changed", id="the address changes"),
        pytest.param(_delete, "deleted", id="the account is deleted"),
    ],
)
async def test_it_gets_no_token_when_meanwhile(client: AsyncClient, service: Service, act: Act, reason: str) -> None:
    user, administrator = await service.make_user(), await service.make_admin()

    with held_verification(service.runtime.hasher) as held:
        sign_in = asyncio.create_task(service.sign_in(user.email))
        await held.hashed.wait()
        meanwhile = await act(client, user, administrator)
        held.release()
        response = await sign_in

    assert meanwhile.is_success, meanwhile.text
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    refusals = [event for event in await service.audit_events() if event.outcome == "failure"]
    assert [(event.event, event.subject_id, event.detail["reason"]) for event in refusals] == [
        ("sign_in", user.id, reason)
    ]


async def test_a_newer_hash_of_the_old_password_does_not_replace_the_new_one(
    client: AsyncClient, service: Service, make_user: MakeUser, make_admin: MakeUser
) -> None:
    user, administrator = await make_user(), await make_admin()
    await _store_outdated_hash(service, user)

    with held_verification(service.runtime.hasher) as held:
        sign_in = asyncio.create_task(service.sign_in(user.email))
        await held.hashed.wait()
        await _change_password(client, user, administrator)
        held.release()
        response = await sign_in

    assert response.json()["error"] == "invalid_grant"
    assert (await service.sign_in(user.email, PASSWORD)).json()["error"] == "invalid_grant"
    assert (await service.sign_in(user.email, NEW_PASSWORD)).status_code == 200


async def test_of_two_sign_ins_that_renew_a_hash_the_first_one_to_finish_does(
    service: Service, make_user: MakeUser
) -> None:
    user = await make_user()
    await _store_outdated_hash(service, user)

    with held_verification(service.runtime.hasher) as held:
        sign_in = asyncio.create_task(service.sign_in(user.email))
        await held.hashed.wait()
        other = await service.sign_in(user.email)
        renewed = await service.stored_user(user.id)
        held.release()
        response = await sign_in

    assert (response.status_code, other.status_code) == (200, 200)
    after = await service.stored_user(user.id)
    assert renewed is not None
    assert after is not None
    assert str(renewed.hashed_password).startswith("$argon2id$")
    assert after.hashed_password == renewed.hashed_password


async def test_a_change_of_password_under_way_changes_nothing_once_the_account_is_disabled(
    client: AsyncClient, service: Service, make_user: MakeUser, make_admin: MakeUser
) -> None:
    user, administrator = await make_user(), await make_admin()
    before = await service.stored_user(user.id)

    with held_verification(service.runtime.hasher) as held:
        change = asyncio.create_task(_change_password(client, user, administrator))
        await held.hashed.wait()
        await _disable(client, user, administrator)
        held.release()
        response = await change

    assert (response.status_code, response.json()["code"]) == (401, "invalid_token")
    after = await service.stored_user(user.id)
    assert before is not None
    assert after is not None
    assert after.hashed_password == before.hashed_password


async def _store_outdated_hash(service: Service, user: Account) -> None:
    """Store the hash that an older release would have made."""
    hasher = PasswordHasher(HashingSettings.model_validate({**CHEAP_HASHES, "scheme": "bcrypt"}))
    outdated = await hasher.hash(SecretStr(PASSWORD))
    hasher.close()
    async with service.runtime.database.transaction(writing=True) as session:
        await session.exec(update(User).where(col(User.id) == user.id).values(hashed_password=outdated))
