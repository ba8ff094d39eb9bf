"""How an account comes to be: by a stranger, by a user, by an administrator."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import AsyncClient
from sqlmodel import func, select

from auth_service.users.models import User
from tests.conftest import MakeUser
from tests.support.service import PASSWORD, Service, assert_problem, bearer, running_service
from tests.support.settings import make_settings

ADDRESS = "josé@bücher.example.com"
SPELLINGS = (
    pytest.param(unicodedata.normalize("NFC", "JOSÉ@BÜCHER.Example.com"), id="case"),
    pytest.param(unicodedata.normalize("NFD", ADDRESS), id="decomposed"),
    pytest.param(f"  {ADDRESS}\t", id="space around it"),
    pytest.param("josé@xn--bcher-kva.example.com", id="A-label"),
)
TOO_LONG_A_KEY = f"{'é' * 32}@{'ä.' * 30}com"  # each of these labels becomes seven letters


@pytest.fixture
async def closed_service(migrated_database: str) -> AsyncIterator[Service]:
    """The service with registration switched off."""
    settings = make_settings(migrated_database, accounts={"registration_open": False})
    async with running_service(settings) as service:
        yield service


async def test_a_stranger_registers_and_gets_their_account_back(client: AsyncClient) -> None:
    sent = {"email": "Ann@Example.com", "password": PASSWORD, "username": "ann", "full_name": "Ann Example"}

    created = await client.post("/users", json=sent)

    assert created.status_code == 201
    account = created.json()
    assert account == {
        "id": account["id"],
        "email": "Ann@Example.com",
        "username": "ann",
        "full_name": "Ann Example",
        "is_active": True,
        "is_superuser": False,
        "email_verified_at": None,
        "created_at": account["created_at"],
        "updated_at": account["created_at"],
        "last_login_at": None,
    }


async def test_who_registered_signs_in_with_any_spelling_of_the_address_and_with_the_username(
    client: AsyncClient, service: Service
) -> None:
    await client.post("/users", json={"email": "Ann@Example.com", "password": PASSWORD, "username": "ann"})

    answers = [await service.sign_in(name) for name in ("ann@example.COM", " Ann@Example.com ", "ann", "ANN")]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200]


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_an_address_is_taken_in_every_spelling(client: AsyncClient, spelling: str) -> None:
    await client.post("/users", json={"email": ADDRESS, "password": PASSWORD})

    response = await client.post("/users", json={"email": spelling, "password": PASSWORD})

    assert_problem(response, 409, code="email_taken")


@pytest.mark.parametrize("email", ["username@example.com", "uq_users_username@example.com"])
async def test_an_address_that_speaks_of_usernames_is_taken_as_an_address(client: AsyncClient, email: str) -> None:
    await client.post("/users", json={"email": email, "password": PASSWORD})

    response = await client.post("/users", json={"email": email, "password": PASSWORD})

    assert_problem(response, 409, code="email_taken")


async def test_of_a_hundred_registrations_of_one_address_at_once_one_wins(
    client: AsyncClient, service: Service
) -> None:
    spellings = [str(parameter.values[0]) for parameter in SPELLINGS]

    answers = await asyncio.gather(
        *(client.post("/users", json={"email": spellings[n % 4], "password": PASSWORD}) for n in range(100))
    )

    codes = [answer.json().get("code", answer.status_code) for answer in answers]
    assert sorted(codes, key=str) == [201, *["email_taken"] * 99]
    async with service.runtime.database.transaction(writing=False) as session:
        assert await session.scalar(select(func.count()).select_from(User)) == 1


@pytest.mark.parametrize("username", ["ann", "email_normalized"])
async def test_a_username_belongs_to_one_account(client: AsyncClient, username: str) -> None:
    await client.post("/users", json={"email": "ann@example.com", "password": PASSWORD, "username": username})

    response = await client.post(
        "/users", json={"email": "bob@example.com", "password": PASSWORD, "username": username}
    )

    assert_problem(response, 409, code="username_taken")


USERNAMES: tuple[tuple[str, str, int], ...] = (
    ("the shortest", "ann", 200),
    ("the longest", "a" * 32, 200),
    ("every sign", "0-._-", 200),
    ("space around it", " ann ", 200),
    ("too short", "an", 422),
    ("too long", "a" * 33, 422),
    ("begins with a sign", "-ann", 422),
    ("capitals", "Ann", 422),
    ("could be an address", "ann@home", 422),
    ("beyond ASCII", "änn", 422),
    ("a line break around it", "ann\n", 200),
    ("a line break inside", "ann\nann", 422),
    ("empty", "", 422),
)


async def test_a_username_is_short_and_plain(client: AsyncClient, make_user: MakeUser) -> None:
    headers = bearer(await make_user())

    answers = {
        what: (await client.patch("/users/me", headers=headers, json={"username": username})).status_code
        for what, username, _ in USERNAMES
    }

    assert answers == {what: status for what, _, status in USERNAMES}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param({}, 422, "password_required", id="no password"),
        pytest.param({"password": None}, 422, "password_required", id="null"),
        pytest.param({"password": ""}, 422, "invalid_input", id="empty"),
        pytest.param({"password": "seven 7"}, 422, "weak_password", id="too short"),
        pytest.param({"password": "x" * 257}, 422, "invalid_input", id="too long"),
        pytest.param({"password": PASSWORD, "email": "ann@localhost"}, 422, "invalid_input", id="no domain"),
        pytest.param({"password": PASSWORD, "email": TOO_LONG_A_KEY}, 422, "invalid_input", id="too long to look up"),
        pytest.param({"password": PASSWORD, "email": None}, 422, "invalid_input", id="no address"),
    ],
)
async def test_what_cannot_be_registered(client: AsyncClient, body: dict[str, Any], status: int, code: str) -> None:
    response = await client.post("/users", json={"email": "ann@example.com", **body})

    assert_problem(response, status, code=code)


async def test_a_user_may_register_somebody_else(client: AsyncClient, make_user: MakeUser) -> None:
    user = await make_user()

    response = await client.post("/users", headers=bearer(user), json={"email": "b@example.com", "password": PASSWORD})

    assert response.status_code == 201
    assert response.json()["is_superuser"] is False


async def test_closed_registration_refuses_strangers_and_users(closed_service: Service) -> None:
    user = await closed_service.make_user()
    body = {"email": "ann@example.com", "password": PASSWORD}

    for headers in ({}, bearer(user)):
        response = await closed_service.client.post("/users", headers=headers, json=body)

        assert_problem(response, 403, code="registration_closed")


async def test_administrators_create_users_with_every_field_when_registration_is_closed(
    closed_service: Service,
) -> None:
    administrator = await closed_service.make_admin()
    body = {"email": "ann@example.com", "is_active": False, "is_superuser": True, "email_verified": True}

    response = await closed_service.client.post("/users", headers=bearer(administrator), json=body)

    assert response.status_code == 201
    account = response.json()
    assert (account["is_active"], account["is_superuser"]) == (False, True)
    assert account["email_verified_at"] == account["created_at"]


async def test_an_account_without_a_password_signs_in_with_none(
    client: AsyncClient, service: Service, make_admin: MakeUser
) -> None:
    body = {"email": "ann@example.com", "username": "ann"}
    created = await client.post("/users", headers=bearer(await make_admin()), json=body)
    assert created.status_code == 201

    for password in ("", "None", "null", "!", "no account has this password", PASSWORD):
        for name in ("ann@example.com", "ann"):
            answer = await service.sign_in(name, password)

            error = "invalid_grant" if password else "invalid_request"
            assert (answer.status_code, answer.json()["error"]) == (400, error)
