"""How a user leaves: by the password, at once and everywhere, but not as the last administrator."""

import asyncio
from typing import Any

import pytest
from httpx import Response
from sqlmodel import col, update

from auth_service.users.models import User
from tests.support.held import held_verification
from tests.support.oauth import assert_oauth_error
from tests.support.service import PASSWORD, Account, Service, assert_problem, bearer
from tests.support.sessions import content_of, entries_of, newest_number, refresh, revocations_after
from tests.support.tokens import assert_invalid_token


async def deactivate(service: Service, account: Account, password: str = PASSWORD) -> Response:
    return await service.client.post(
        "/users/me/deactivate", headers=bearer(account), json={"current_password": password}
    )


async def change_user(service: Service, account: Account, **values: Any) -> None:
    async with service.runtime.database.transaction(writing=True) as session:
        await session.exec(update(User).where(col(User.id) == account.id).values(**values))


async def test_afterwards_nothing_opens_the_account_until_an_administrator_enables_it(service: Service) -> None:
    user, administrator = await service.make_user(), await service.make_admin()
    elsewhere, number = await service.sign_in_again(user), await newest_number(service)

    response = await deactivate(service, user)

    assert (response.status_code, response.content) == (204, b"")
    for token in (user, elsewhere):
        assert_invalid_token(await service.client.get("/users/me", headers=bearer(token)))
        assert_oauth_error(await refresh(service, token.refresh_token), "invalid_grant")
    assert_oauth_error(await service.sign_in(user.email), "invalid_grant")
    told = content_of(await revocations_after(service, number))
    assert told == entries_of(user.session_id, elsewhere.session_id)
    enabled = await service.client.patch(f"/users/{user.id}", headers=bearer(administrator), json={"is_active": True})
    assert enabled.json()["full_name"] is None
    assert (await service.sign_in(user.email)).status_code == 200
    assert_invalid_token(await service.client.get("/users/me", headers=bearer(user)))


async def test_a_wrong_password_changes_nothing_and_leaves_a_trace(service: Service) -> None:
    user = await service.make_user()
    before = await service.stored_user(user.id)

    response = await deactivate(service, user, "not the password")

    assert_problem(response, 403, code="wrong_password")
    assert await service.stored_user(user.id) == before
    refusals = [event for event in await service.audit_events() if event.event == "user.deactivated"]
    assert [(event.outcome, event.actor_id, event.subject_id) for event in refusals] == [("failure", user.id, user.id)]


async def test_an_account_without_a_password_has_none_to_prove(service: Service) -> None:
    user = await service.make_user()
    await change_user(service, user, hashed_password=None)

    answers = [await deactivate(service, user, guess) for guess in (PASSWORD, "None", "!")]

    assert [answer.json()["code"] for answer in answers] == ["wrong_password"] * 3


async def test_the_last_administrator_stays(service: Service) -> None:
    administrator = await service.make_admin()
    await service.make_admin(is_active=False)

    response = await deactivate(service, administrator)

    assert_problem(response, 409, code="last_administrator")
    assert (await service.client.get("/users/me", headers=bearer(administrator))).status_code == 200


async def test_of_all_administrators_who_leave_at_once_one_stays(service: Service) -> None:
    administrators = [await service.make_admin() for _ in range(4)]

    answers = await asyncio.gather(*(deactivate(service, one) for one in administrators))

    assert sorted(answer.status_code for answer in answers) == [204, 204, 204, 409]


@pytest.mark.parametrize(
    ("change", "is_refused"),
    [
        pytest.param({"credential_epoch": 9}, True, id="the password changed"),
        pytest.param({"is_superuser": True}, True, id="made an administrator, whom nobody counted"),
        pytest.param({"full_name": "Ann"}, False, id="renamed"),
    ],
)
async def test_what_happens_while_the_password_is_checked_counts(
    service: Service, change: dict[str, object], *, is_refused: bool
) -> None:
    user = await service.make_user()

    with held_verification(service.runtime.hasher) as held:
        leaving = asyncio.create_task(deactivate(service, user))
        await held.hashed.wait()
        await change_user(service, user, **change)
        held.release()
        response = await leaving

    stored = await service.stored_user(user.id)
    assert stored is not None
    assert stored.is_active is is_refused
    if is_refused:
        assert_invalid_token(response)
    else:
        assert response.status_code == 204


async def test_nobody_deactivates_somebody_else(service: Service) -> None:
    user, other = await service.make_user(), await service.make_user()
    body = {"current_password": PASSWORD, "user_id": str(other.id)}

    response = await service.client.post("/users/me/deactivate", headers=bearer(user), json=body)

    assert_problem(response, 422, code="invalid_input")
    assert (await service.sign_in(other.email)).status_code == 200
