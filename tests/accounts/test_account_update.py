"""How an account is changed, by its owner and by administrators; PUT takes the same partial body as PATCH."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.conftest import MakeUser
from tests.support.service import Account, Service, assert_problem, bearer

METHODS = ("PATCH", "PUT")


@pytest.mark.parametrize("method", METHODS)
async def test_what_is_not_sent_stays_as_it_is(client: AsyncClient, make_user: MakeUser, method: str) -> None:
    user = await make_user(username="ann", full_name="Ann Example")
    before = (await client.get("/users/me", headers=bearer(user))).json()

    response = await client.request(method, f"/users/{user.id}", headers=bearer(user), json={"full_name": "Ann B."})

    assert response.status_code == 200
    changed = response.json()
    assert changed == {**before, "full_name": "Ann B.", "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > before["updated_at"]
    assert (await client.get("/users/me", headers=bearer(user))).json() == changed


@pytest.mark.parametrize("method", METHODS)
async def test_null_clears_what_may_be_empty(client: AsyncClient, make_user: MakeUser, method: str) -> None:
    user = await make_user(username="ann", full_name="Ann Example")

    for name in ("username", "full_name"):
        response = await client.request(method, f"/users/{user.id}", headers=bearer(user), json={name: None})

        assert response.status_code == 200
        assert response.json()[name] is None


@pytest.mark.parametrize("method", METHODS)
async def test_null_is_no_value_for_what_an_account_always_has(
    client: AsyncClient, make_admin: MakeUser, method: str
) -> None:
    admin = await make_admin()

    for name in ("email", "is_active", "is_superuser", "email_verified"):
        response = await client.request(method, f"/users/{admin.id}", headers=bearer(admin), json={name: None})

        assert_problem(response, 422, code="invalid_input")
        assert [error["location"] for error in response.json()["errors"]] == [["body", name]]


async def test_a_cleared_username_is_free_again(client: AsyncClient, service: Service, make_user: MakeUser) -> None:
    first, second = await make_user(username="ann"), await make_user()
    await client.patch("/users/me", headers=bearer(first), json={"username": None})

    response = await client.patch("/users/me", headers=bearer(second), json={"username": "ann"})

    assert response.status_code == 200
    assert (await service.sign_in("ann")).status_code == 200


@pytest.mark.parametrize("path", ["/users/me", "/users/{user_id}"])
async def test_a_taken_username_is_refused_and_nothing_is_changed(
    client: AsyncClient, service: Service, make_user: MakeUser, path: str
) -> None:
    await make_user(username="ann")
    user = await make_user(username="bob", full_name="Bob")

    response = await client.patch(
        path.replace("{user_id}", str(user.id)), headers=bearer(user), json={"full_name": "Ann", "username": "ann"}
    )

    assert_problem(response, 409, code="username_taken")
    stored = await service.stored_user(user.id)
    assert stored is not None
    assert (stored.username, stored.full_name) == ("bob", "Bob")


async def test_a_password_in_the_body_names_the_door_for_passwords(client: AsyncClient, make_admin: MakeUser) -> None:
    administrator = await make_admin()
    path = f"/users/{administrator.id}"

    for method, url in (("PATCH", "/users/me"), ("PATCH", path), ("PUT", path)):
        response = await client.request(
            method, url, headers=bearer(administrator), json={"full_name": "Ann", "password": "a new passphrase"}
        )

        assert_problem(response, 422, code="invalid_input")
        assert "PUT /users/me/password" in response.json()["detail"]
        assert "a new passphrase" not in response.text


@pytest.mark.parametrize("email", ["new@example.com", "ann@example.com", "ANN@example.com"])
async def test_ones_own_address_needs_a_proof_also_when_it_stays_the_same(
    client: AsyncClient, service: Service, make_user: MakeUser, email: str
) -> None:
    user = await make_user(email="ann@example.com")

    for method, path in (("PATCH", "/users/me"), ("PATCH", f"/users/{user.id}"), ("PUT", f"/users/{user.id}")):
        body = {"email": email, "full_name": "Ann"}
        response = await client.request(method, path, headers=bearer(user), json=body)

        assert_problem(response, 403, code="email_change_needs_proof")
    stored = await service.stored_user(user.id)
    assert stored is not None
    assert (stored.email, stored.full_name) == ("ann@example.com", None)


async def test_an_administrators_new_address_for_a_user_ends_verification_and_tokens(
    client: AsyncClient, service: Service, make_user: MakeUser, make_admin: MakeUser
) -> None:
    user = await make_user(email_verified=True)

    response = await _administer(client, await make_admin(), user, {"email": "New@example.com"})

    assert (response["email"], response["email_verified_at"]) == ("New@example.com", None)
    assert_problem(await client.get("/users/me", headers=bearer(user)), 401, code="invalid_token")
    assert (await service.sign_in("new@example.com")).status_code == 200
    assert (await service.sign_in(user.email)).json()["error"] == "invalid_grant"


async def test_an_administrator_who_changes_their_own_address_signs_in_again(
    client: AsyncClient, service: Service, make_admin: MakeUser
) -> None:
    administrator = await make_admin(email_verified=True)

    response = await client.patch("/users/me", headers=bearer(administrator), json={"email": "boss@example.com"})

    assert response.status_code == 200
    assert response.json()["email_verified_at"] is None
    assert_problem(await client.get("/users/me", headers=bearer(administrator)), 401, code="invalid_token")
    assert (await service.sign_in("boss@example.com")).status_code == 200


async def test_an_address_of_somebody_else_is_refused_in_any_spelling(
    client: AsyncClient, make_user: MakeUser, make_admin: MakeUser
) -> None:
    user, administrator = await make_user(), await make_admin(email="boss@example.com")

    response = await client.patch(
        f"/users/{user.id}", headers=bearer(administrator), json={"email": "BOSS@Example.com"}
    )

    assert_problem(response, 409, code="email_taken")


async def test_the_time_of_verification_is_the_first_one(
    client: AsyncClient, make_user: MakeUser, make_admin: MakeUser
) -> None:
    user, administrator = await make_user(), await make_admin()

    first = await _administer(client, administrator, user, {"email_verified": True})
    again = await _administer(client, administrator, user, {"email_verified": True})
    withdrawn = await _administer(client, administrator, user, {"email_verified": False})
    together = await _administer(client, administrator, user, {"email": "n@example.com", "email_verified": True})

    assert first["email_verified_at"] == first["updated_at"] == again["email_verified_at"]
    assert withdrawn["email_verified_at"] is None
    assert together["email_verified_at"] == together["updated_at"]


@pytest.mark.parametrize(
    ("change", "ends_tokens"),
    [
        pytest.param({"email": "new@example.com"}, True, id="another address"),
        pytest.param({"is_active": False}, True, id="disabled"),
        pytest.param({"is_superuser": False}, True, id="demoted"),
        pytest.param({"is_active": False, "is_superuser": False, "email": "new@example.com"}, True, id="all at once"),
        pytest.param({"email": "KIM@example.com"}, False, id="another spelling"),
        pytest.param({"email_verified": True}, False, id="verified"),
        pytest.param({"is_active": True, "is_superuser": True}, False, id="what is so already"),
        pytest.param({"full_name": "Kim", "username": "kim"}, False, id="the profile"),
        pytest.param({}, False, id="nothing"),
    ],
)
async def test_tokens_end_with_a_change_of_address_or_the_loss_of_a_right(
    client: AsyncClient, service: Service, make_admin: MakeUser, change: dict[str, Any], ends_tokens: bool
) -> None:
    kim = await make_admin(email="kim@example.com")
    before = await service.stored_user(kim.id)

    await _administer(client, await make_admin(), kim, change)

    after = await service.stored_user(kim.id)
    assert before is not None
    assert after is not None
    assert (after.credential_epoch > before.credential_epoch) is ends_tokens
    assert (await client.get("/users/me", headers=bearer(kim))).status_code == (401 if ends_tokens else 200)


async def test_who_is_enabled_again_has_to_sign_in_again(
    client: AsyncClient, service: Service, make_user: MakeUser, make_admin: MakeUser
) -> None:
    user, administrator = await make_user(), await make_admin()

    await _administer(client, administrator, user, {"is_active": False})
    while_disabled = await service.sign_in(user.email)
    await _administer(client, administrator, user, {"is_active": True})

    assert while_disabled.json()["error"] == "invalid_grant"
    assert_problem(await client.get("/users/me", headers=bearer(user)), 401, code="invalid_token")
    assert (await service.sign_in(user.email)).status_code == 200


async def test_a_promoted_user_administers_after_signing_in_again(
    client: AsyncClient, service: Service, make_user: MakeUser, make_admin: MakeUser
) -> None:
    user = await make_user()

    await _administer(client, await make_admin(), user, {"is_superuser": True})

    with_old_token = await client.get("/users", headers=bearer(user))
    assert_problem(with_old_token, 403, code="insufficient_scope")
    again = await service.sign_in_again(user)
    assert (await client.get("/users", headers=bearer(again))).status_code == 200


async def test_a_body_that_changes_nothing_else_is_still_an_object(client: AsyncClient, make_user: MakeUser) -> None:
    user = await make_user()

    bodies: tuple[object, ...] = ([], "text", 1, None)
    for body in bodies:
        response = await client.patch("/users/me", headers=bearer(user), json=body)

        assert_problem(response, 422, code="invalid_input")
    assert (await client.get("/users/me", headers=bearer(user))).status_code == 200


async def _administer(
    client: AsyncClient, administrator: Account, user: Account, change: dict[str, Any]
) -> dict[str, Any]:
    response = await client.patch(f"/users/{user.id}", headers=bearer(administrator), json=change)
    assert response.status_code == 200, response.text
    account: dict[str, Any] = response.json()
    return account
