"""How a user changes their password: by knowing the current one."""

import asyncio
from typing import Any

from httpx import AsyncClient, Response
from sqlmodel import col, update

from auth_service.users.models import User
from tests.conftest import MakeUser
from tests.support.service import PASSWORD, Account, Service, assert_problem, bearer

NEW_PASSWORD = "a much better passphrase"


async def test_afterwards_only_the_new_password_signs_in_and_the_old_token_is_refused(
    client: AsyncClient, service: Service, make_user: MakeUser
) -> None:
    user = await make_user()

    response = await _change(client, user, PASSWORD, NEW_PASSWORD)

    assert (response.status_code, response.content) == (204, b"")
    assert_problem(await client.get("/users/me", headers=bearer(user)), 401, code="invalid_token")
    assert (await service.sign_in(user.email, PASSWORD)).json()["error"] == "invalid_grant"
    assert (await service.sign_in(user.email, NEW_PASSWORD)).status_code == 200


async def test_a_wrong_current_password_changes_nothing_and_leaves_a_trace(
    client: AsyncClient, service: Service, make_user: MakeUser
) -> None:
    user = await make_user()
    before = await service.stored_user(user.id)

    response = await _change(client, user, "not the password", NEW_PASSWORD)

    assert_problem(response, 403, code="wrong_password")
    assert await service.stored_user(user.id) == before
    refusals = [event for event in await service.audit_events() if event.event == "password.changed"]
    assert [(event.outcome, event.actor_id, event.subject_id) for event in refusals] == [("failure", user.id, user.id)]


NO_CHANGES: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("too short", {"new_password": "seven 7"}, "weak_password"),
    ("too short once it is composed", {"new_password": "e\u0301" * 7}, "weak_password"),
    ("too long", {"new_password": "x" * 257}, "invalid_input"),
    ("empty", {"new_password": ""}, "invalid_input"),
    ("null", {"new_password": None}, "invalid_input"),
    ("no proof", {"current_password": ""}, "invalid_input"),
    ("a null for a proof", {"current_password": None}, "invalid_input"),
    ("for somebody else", {"user_id": "01890a5d-ac96-774b-bcce-b302099a8057"}, "invalid_input"),
)


async def test_what_is_no_change_of_password_is_refused(
    client: AsyncClient, service: Service, make_user: MakeUser
) -> None:
    user = await make_user()
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}

    answers = {
        what: await client.put("/users/me/password", headers=bearer(user), json=body | change)
        for what, change, _ in NO_CHANGES
    }

    for what, _, code in NO_CHANGES:
        assert_problem(answers[what], 422, code=code)
    assert (await service.sign_in(user.email)).status_code == 200


async def test_an_account_without_a_password_has_none_to_prove(
    client: AsyncClient, service: Service, make_user: MakeUser
) -> None:
    user = await make_user()
    async with service.runtime.database.transaction(writing=True) as session:
        await session.exec(update(User).where(col(User.id) == user.id).values(hashed_password=None))

    answers = [await _change(client, user, guess, NEW_PASSWORD) for guess in (PASSWORD, "None", "!")]

    assert [answer.json()["code"] for answer in answers] == ["wrong_password"] * 3
    assert (await service.sign_in(user.email, NEW_PASSWORD)).json()["error"] == "invalid_grant"


async def test_of_many_changes_at_once_one_wins(client: AsyncClient, service: Service, make_user: MakeUser) -> None:
    user = await make_user()
    passwords = [f"a passphrase, number {number}" for number in range(8)]

    answers = await asyncio.gather(*(_change(client, user, PASSWORD, password) for password in passwords))

    winners = [password for password, answer in zip(passwords, answers, strict=True) if answer.is_success]
    assert len(winners) == 1
    assert (await service.sign_in(user.email, winners[0])).status_code == 200
    stored = await service.stored_user(user.id)
    assert stored is not None
    assert stored.credential_epoch == 2


async def _change(client: AsyncClient, user: Account, current: str, new: str) -> Response:
    body = {"current_password": current, "new_password": new}
    return await client.put("/users/me/password", headers=bearer(user), json=body)
