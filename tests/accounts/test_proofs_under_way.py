"""One-time tokens whose account changes before, or while, they are used: they get nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import pytest
from httpx import Response

from auth_service.authenticators.single_use import Purpose
from tests.support.held import held_hash, held_verification
from tests.support.post import issue_token
from tests.support.proofs import NEW_PASSWORD, change_address, patch, recover, verify
from tests.support.service import PASSWORD, Account, Service, assert_problem, bearer

Use = Callable[[Service, Account, str], Awaitable[Response]]
Change = Callable[[Service, Account, Account], Awaitable[Response]]
CHANGED_PASSWORD = "yet another passphrase"


async def _password(service: Service, user: Account, _administrator: Account) -> Response:
    body = {"current_password": PASSWORD, "new_password": CHANGED_PASSWORD}
    return await service.client.put("/users/me/password", headers=bearer(user), json=body)


async def _address(service: Service, user: Account, administrator: Account) -> Response:
    return await patch(service, administrator, user, email="moved@example.com")


async def _disabled(service: Service, user: Account, administrator: Account) -> Response:
    return await patch(service, administrator, user, is_active=False)


async def _disabled_and_enabled(service: Service, user: Account, administrator: Account) -> Response:
    await _disabled(service, user, administrator)
    return await patch(service, administrator, user, is_active=True)


async def _unproven(service: Service, user: Account, administrator: Account) -> Response:
    await patch(service, administrator, user, email_verified=True)
    return await patch(service, administrator, user, email_verified=False)


async def _demoted(service: Service, user: Account, administrator: Account) -> Response:
    await patch(service, administrator, user, is_superuser=True)
    return await patch(service, administrator, user, is_superuser=False)


async def _deleted(service: Service, user: Account, administrator: Account) -> Response:
    return await service.client.delete(f"/users/{user.id}", headers=bearer(administrator))


async def _recovered(service: Service, user: Account, _administrator: Account) -> Response:
    return await recover(service, await issue_token(service, user.id, Purpose.ACCEPT_INVITATION), CHANGED_PASSWORD)


CHANGES: Mapping[str, Change] = {
    "password changed": _password,
    "address changed": _address,
    "disabled": _disabled,
    "disabled and enabled": _disabled_and_enabled,
    "verification taken away": _unproven,
    "demoted": _demoted,
    "deleted": _deleted,
    "recovered by another token": _recovered,
}
USES: Mapping[Purpose, Use] = {
    Purpose.VERIFY_EMAIL: lambda service, user, token: verify(service, token, user.password),
    Purpose.RECOVER_PASSWORD: lambda service, _user, token: recover(service, token),
    Purpose.ACCEPT_INVITATION: lambda service, _user, token: recover(service, token),
    Purpose.CHANGE_EMAIL: change_address,
}


@pytest.mark.parametrize("change", [pytest.param(change, id=name) for name, change in CHANGES.items()])
@pytest.mark.parametrize("purpose", [pytest.param(purpose, id=purpose.value) for purpose in USES])
async def test_a_token_from_before_a_change_of_its_account_is_good_for_nothing(
    service: Service, purpose: Purpose, change: Change
) -> None:
    user, administrator = await service.make_user(), await service.make_admin()
    token = await issue_token(service, user.id, purpose, email=_bound_to(user, purpose))
    assert (await change(service, user, administrator)).is_success
    present = await _as_it_is_now(service, user, change, with_token=purpose is Purpose.CHANGE_EMAIL)
    before = await service.stored_user(user.id)

    answer = await USES[purpose](service, present, token)

    if purpose is Purpose.CHANGE_EMAIL and present.token == user.token:  # nobody is left who could sign in
        assert_problem(answer, 401, code="invalid_token")
    else:
        assert_problem(answer, 403, code="invalid_one_time_token")
    assert await service.stored_user(user.id) == before


async def _as_it_is_now(service: Service, user: Account, change: Change, *, with_token: bool) -> Account:
    """Return the account with its present password, and signed in anew where that is possible."""
    password = CHANGED_PASSWORD if change in {_password, _recovered} else PASSWORD
    stored = await service.stored_user(user.id)
    if not with_token or stored is None or not stored.is_active:
        return replace(user, password=password)
    answer = await service.sign_in(stored.email, password)
    return Account(user.id, stored.email, password, token=answer.json()["access_token"])


@pytest.mark.parametrize(
    "change",
    [pytest.param(change, id=name) for name, change in CHANGES.items() if name != "recovered by another token"],
)
async def test_a_verification_under_way_while_the_account_changes_gets_nothing(
    service: Service, change: Change
) -> None:
    user, administrator = await service.make_user(), await service.make_admin()
    token = await issue_token(service, user.id, Purpose.VERIFY_EMAIL)

    with held_verification(service.runtime.hasher) as held:
        verifying = asyncio.create_task(verify(service, token))
        await held.hashed.wait()
        meanwhile = await change(service, user, administrator)
        before = await service.stored_user(user.id)
        held.release()
        answer = await verifying

    assert meanwhile.is_success, meanwhile.text
    assert_problem(answer, 403, code="invalid_one_time_token")
    assert await service.stored_user(user.id) == before


@pytest.mark.parametrize("change", [pytest.param(change, id=name) for name, change in CHANGES.items()])
async def test_a_recovery_under_way_while_the_account_changes_gets_nothing(service: Service, change: Change) -> None:
    user, administrator = await service.make_user(), await service.make_admin()
    token = await issue_token(service, user.id, Purpose.RECOVER_PASSWORD)

    with held_hash(service.runtime.hasher) as held:
        recovering = asyncio.create_task(recover(service, token))
        await held.hashed.wait()
        meanwhile = await change(service, user, administrator)
        before = await service.stored_user(user.id)
        held.release()
        answer = await recovering

    assert meanwhile.is_success, meanwhile.text
    assert_problem(answer, 403, code="invalid_one_time_token")
    assert await service.stored_user(user.id) == before
    assert (await service.sign_in(user.email, NEW_PASSWORD)).json()["error"] == "invalid_grant"


def _bound_to(user: Account, purpose: Purpose) -> str:
    return "wanted@example.com" if purpose is Purpose.CHANGE_EMAIL else user.email


@pytest.mark.parametrize("purpose", [pytest.param(purpose, id=purpose.value) for purpose in USES])
async def test_a_newer_token_voids_the_older_one_and_the_token_of_another_purpose_stays(
    service: Service, purpose: Purpose
) -> None:
    user = await service.make_user()
    address = _bound_to(user, purpose)
    older = await issue_token(service, user.id, purpose, email=address)
    newer = await issue_token(service, user.id, purpose, email=address)
    for other in USES:
        if other is not purpose:
            await issue_token(service, user.id, other)

    assert_problem(await USES[purpose](service, user, older), 403, code="invalid_one_time_token")
    assert (await USES[purpose](service, user, newer)).status_code == 204


async def test_a_token_that_went_to_another_address_proves_nothing_of_this_one(service: Service) -> None:
    user = await service.make_user()

    for purpose in (Purpose.VERIFY_EMAIL, Purpose.RECOVER_PASSWORD, Purpose.ACCEPT_INVITATION):
        token = await issue_token(service, user.id, purpose, email="elsewhere@example.com")
        assert_problem(await USES[purpose](service, user, token), 403, code="invalid_one_time_token")

    reasons = [one.detail["reason"] for one in await service.audit_events() if one.event == "one_time_token.refused"]
    assert reasons == ["address_changed"] * 3
