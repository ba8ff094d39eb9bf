"""Every way in which an account stops being fit for tokens, at every route that accepts or makes one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from httpx import Response

from tests.support.oauth import assert_oauth_error
from tests.support.paths import fill
from tests.support.service import PASSWORD, Account, Service, bearer
from tests.support.tokens import assert_invalid_token

NEW_PASSWORD = "a much better passphrase"
Change = Callable[[Service, Account, Account], Awaitable[Response]]

# What to send where, so that a fit administrator would not be told 401 and nothing would be changed.
ACCEPTING: dict[str, Mapping[str, Any]] = {
    "GET /users/me": {},
    "PATCH /users/me": {"json": {}},
    "PUT /users/me/password": {"json": {"current_password": "not it", "new_password": NEW_PASSWORD}},
    "POST /users": {"json": {}},
    "GET /users": {},
    "GET /users/{user_id}": {},
    "PATCH /users/{user_id}": {"json": {}},
    "PUT /users/{user_id}": {"json": {}},
    "DELETE /users/{user_id}": {},
    "GET /users/me/sessions": {},
    "POST /users/me/sessions/end-others": {},
    "DELETE /users/me/sessions/{session_id}": {},
    "GET /users/{user_id}/sessions": {},
    "POST /users/{user_id}/sessions/end-all": {},
    "DELETE /users/{user_id}/sessions/{session_id}": {},
    "POST /items": {"json": {}},
    "GET /items": {},
    "GET /items/{item_id}": {},
    "PATCH /items/{item_id}": {"json": {}},
    "PUT /items/{item_id}": {"json": {}},
    "DELETE /items/{item_id}": {},
    "POST /clients": {"json": {}},
    "GET /clients": {},
    "GET /clients/{client_id}": {},
    "PATCH /clients/{client_id}": {"json": {}},
    "POST /clients/{client_id}/secret": {},
    "DELETE /clients/{client_id}": {},
}
MAKING = {"POST /oauth/token"}
TELLING = {"POST /oauth/introspect", "POST /oauth/revoke"}
ASKING_NOBODY = {
    "GET /oauth/revocations",
    "GET /.well-known/jwks.json",
    "GET /.well-known/oauth-authorization-server",
    "GET /.well-known/openid-configuration",
    "GET /livez",
    "GET /readyz",
}


async def _disable(service: Service, victim: Account, admin: Account) -> Response:
    return await service.client.patch(f"/users/{victim.id}", json={"is_active": False}, headers=bearer(admin))


async def _delete(service: Service, victim: Account, admin: Account) -> Response:
    return await service.client.delete(f"/users/{victim.id}", headers=bearer(admin))


async def _change_password(service: Service, victim: Account, _admin: Account) -> Response:
    change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    return await service.client.put("/users/me/password", json=change, headers=bearer(victim))


async def _change_address(service: Service, victim: Account, admin: Account) -> Response:
    return await service.client.patch(f"/users/{victim.id}", json={"email": "new@example.com"}, headers=bearer(admin))


async def _demote(service: Service, victim: Account, admin: Account) -> Response:
    return await service.client.patch(f"/users/{victim.id}", json={"is_superuser": False}, headers=bearer(admin))


UNFIT: dict[str, tuple[Change, str]] = {
    "disabled": (_disable, "invalid_grant"),
    "deleted": (_delete, "invalid_grant"),
    "password changed": (_change_password, "invalid_grant"),
    "address changed": (_change_address, "invalid_grant"),
    "demoted": (_demote, "invalid_scope"),
}


async def knock(service: Service, route: str, account: Account) -> Response:
    method, path = route.split()
    return await service.client.request(method, fill(path), headers=bearer(account), **ACCEPTING[route])


async def test_every_route_of_the_service_is_in_one_of_the_tables(service: Service) -> None:
    routes = {
        f"{method.upper()} {path}"
        for path, operations in service.app.openapi()["paths"].items()
        for method in operations
    }

    assert routes == {*ACCEPTING, *MAKING, *TELLING, *ASKING_NOBODY}


async def test_a_fit_account_is_let_in_everywhere(service: Service) -> None:
    admin = await service.make_admin()

    answers = {route: (await knock(service, route, admin)).status_code for route in ACCEPTING}

    assert 401 not in answers.values(), answers
    assert 500 not in answers.values(), answers


@pytest.mark.parametrize(("change", "error"), [pytest.param(*row, id=name) for name, row in UNFIT.items()])
async def test_an_unfit_account_gets_and_uses_no_token_anywhere(service: Service, change: Change, error: str) -> None:
    admin, victim = await service.make_admin(), await service.make_admin()

    changed = await change(service, victim, admin)

    assert changed.is_success
    for route in ACCEPTING:
        assert_invalid_token(await knock(service, route, victim))
    assert_oauth_error(await service.sign_in(victim.email, scope="admin"), error)


@pytest.mark.parametrize(
    ("change", "signs_in_with"),
    [
        pytest.param(_change_password, {"password": NEW_PASSWORD}, id="password changed"),
        pytest.param(_change_address, {"email": "new@example.com"}, id="address changed"),
        pytest.param(_demote, {}, id="demoted"),
    ],
)
async def test_who_signs_in_again_is_let_in_and_the_old_token_is_not(
    service: Service, change: Change, signs_in_with: dict[str, Any]
) -> None:
    admin, victim = await service.make_admin(), await service.make_admin()
    await change(service, victim, admin)

    renewed = await service.sign_in_again(replace(victim, **signs_in_with))

    assert (await knock(service, "GET /users/me", renewed)).status_code == 200
    assert_invalid_token(await knock(service, "GET /users/me", victim))


async def test_a_token_from_before_a_disabling_stays_refused_when_the_account_is_enabled(service: Service) -> None:
    admin, victim = await service.make_admin(), await service.make_user()
    await _disable(service, victim, admin)

    await service.client.patch(f"/users/{victim.id}", json={"is_active": True}, headers=bearer(admin))

    assert_invalid_token(await knock(service, "GET /users/me", victim))
    renewed = await service.sign_in_again(victim)
    assert (await knock(service, "GET /users/me", renewed)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"full_name": "Ann"}, id="name"),
        pytest.param({"is_active": True}, id="enabled already"),
        pytest.param({"is_superuser": True}, id="promoted"),
        pytest.param({"email_verified": True}, id="address verified"),
    ],
)
async def test_other_changes_leave_the_tokens_alone(service: Service, change: dict[str, object]) -> None:
    admin, victim = await service.make_admin(), await service.make_user()

    await service.client.patch(f"/users/{victim.id}", json=change, headers=bearer(admin))

    assert (await knock(service, "GET /users/me", victim)).status_code == 200
    assert (await knock(service, "GET /users", victim)).status_code == 403
