"""Every way in which an account stops being fit for tokens, at every route that accepts or makes one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response

from auth_service.clients.models import FIRST_PARTY_CLIENT_ID
from tests.support.client_sessions import store_client_session
from tests.support.oauth import assert_oauth_error, basic
from tests.support.paths import fill
from tests.support.service import PASSWORD, Account, Service, assert_problem, bearer
from tests.support.sessions import change_client, change_session, let_time_pass, next_token, refresh, store_client
from tests.support.settings import ISSUER
from tests.support.tokens import assert_invalid_token

NEW_PASSWORD = "a much better passphrase"
Change = Callable[[Service, Account, Account], Awaitable[Response]]
# What to send where, so that a fit administrator would not be told 401 and nothing would be changed.
ACCEPTING: dict[str, Mapping[str, Any]] = {
    "GET /users/me": {},
    "PATCH /users/me": {"json": {}},
    "PUT /users/me/password": {"json": {"current_password": "not it", "new_password": NEW_PASSWORD}},
    "POST /users/me/deactivate": {"json": {"current_password": "not it"}},
    "GET /users/me/export": {},
    "GET /users/me/audit-events": {},
    "GET /audit-events": {},
    "POST /users": {"json": {}},
    "GET /users": {},
    "GET /users/{user_id}": {},
    "PATCH /users/{user_id}": {"json": {}},
    "PUT /users/{user_id}": {"json": {}},
    "DELETE /users/{user_id}": {},
    "POST /users/me/email": {"json": {"new_email": "new@example.com", "current_password": "not it"}},
    "POST /users/me/email/confirm": {"json": {"token": "email_none"}},
    "POST /users/{user_id}/password-recovery": {},
    "POST /users/{user_id}/invitation": {},
    "GET /users/me/totp": {},
    "POST /users/me/totp": {},
    "POST /users/me/totp/confirm": {"json": {"code": "000000"}},
    "DELETE /users/me/totp": {},
    "POST /users/me/recovery-codes": {},
    "DELETE /users/{user_id}/totp": {},
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
ASKING_NOBODY = {
    "GET /oauth/revocations",
    "GET /.well-known/jwks.json",
    "GET /.well-known/oauth-authorization-server",
    "GET /.well-known/openid-configuration",
    "GET /livez",
    "GET /readyz",
}
# Routes that take a proof by mail: tests/accounts/test_proofs_under_way.py crosses them with what happens meanwhile.
TAKING_PROOFS = {
    "POST /email-verifications",
    "POST /email-verifications/confirm",
    "POST /password-recoveries",
    "POST /password-recoveries/confirm",
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


async def _end(service: Service, victim: Account, _admin: Account) -> Response:
    return await service.client.delete(f"/users/me/sessions/{victim.session_id}", headers=bearer(victim))


async def _end_others(service: Service, victim: Account, _admin: Account) -> Response:
    other = await service.sign_in_again(victim)
    return await service.client.post("/users/me/sessions/end-others", headers=bearer(other))


async def _end_by_admin(service: Service, victim: Account, admin: Account) -> Response:
    path = f"/users/{victim.id}/sessions/{victim.session_id}"
    return await service.client.delete(path, headers=bearer(admin))


async def _end_all(service: Service, victim: Account, admin: Account) -> Response:
    return await service.client.post(f"/users/{victim.id}/sessions/end-all", headers=bearer(admin))


async def _expire(service: Service, victim: Account, admin: Account) -> Response:
    await let_time_pass(service, victim.session_id, timedelta(days=14))
    return await knock(service, "GET /users/me", admin)


async def _forget(service: Service, victim: Account, admin: Account) -> Response:
    await let_time_pass(service, victim.session_id, timedelta(days=15))
    await service.runtime.forget_what_is_over()
    return await knock(service, "GET /users/me", admin)


async def _reuse(service: Service, victim: Account, admin: Account) -> Response:
    await next_token(service, victim.refresh_token)
    await let_time_pass(service, victim.session_id, timedelta(seconds=10))
    assert_oauth_error(await refresh(service, victim.refresh_token), "invalid_grant")
    return await knock(service, "GET /users/me", admin)


async def _deactivate(service: Service, victim: Account, _admin: Account) -> Response:
    proof = {"current_password": PASSWORD}
    return await service.client.post("/users/me/deactivate", json=proof, headers=bearer(victim))


# What makes an account unfit, and what a new sign-in with the old password is told; None: it opens another session.
UNFIT: dict[str, tuple[Change, str | None]] = {
    "disabled": (_disable, "invalid_grant"),
    "deactivated by its owner": (_deactivate, "invalid_grant"),
    "deleted": (_delete, "invalid_grant"),
    "password changed": (_change_password, "invalid_grant"),
    "address changed": (_change_address, "invalid_grant"),
    "demoted": (_demote, "invalid_scope"),
    "session ended by its owner": (_end, None),
    "other sessions ended by their owner": (_end_others, None),
    "session ended by an administrator": (_end_by_admin, None),
    "all sessions ended by an administrator": (_end_all, None),
    "session expired": (_expire, None),
    "session expired and forgotten": (_forget, None),
    "refresh token reused": (_reuse, None),
}


async def _refresh_gets_nothing(service: Service, victim: Account) -> None:
    assert_oauth_error(await refresh(service, victim.refresh_token), "invalid_grant")


# Routes that take a token out of the body: each has its own way of saying that it is good for nothing.
async def _introspection_says_no(service: Service, victim: Account) -> None:
    asking = await service.make_client(own_audience=ISSUER, grants=[])
    headers = basic(f"{asking.client_id}:{asking.client_secret}")
    response = await service.client.post("/oauth/introspect", data={"token": victim.token}, headers=headers)
    assert response.json() == {"active": False}


async def _revoking_changes_nothing(service: Service, victim: Account) -> None:
    assert (await service.client.post("/oauth/revoke", data={"token": victim.token})).status_code == 200
    assert_invalid_token(await knock(service, "GET /users/me", victim))


TAKING_FROM_THE_BODY: dict[str, Callable[[Service, Account], Awaitable[None]]] = {
    "POST /oauth/token": _refresh_gets_nothing,
    "POST /oauth/introspect": _introspection_says_no,
    "POST /oauth/revoke": _revoking_changes_nothing,
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

    assert routes == {*ACCEPTING, *TAKING_FROM_THE_BODY, *ASKING_NOBODY, *TAKING_PROOFS}


async def test_a_fit_account_is_let_in_everywhere(service: Service) -> None:
    admin = await service.make_admin()

    answers = {route: (await knock(service, route, admin)).status_code for route in ACCEPTING}

    assert 401 not in answers.values(), answers
    assert 500 not in answers.values(), answers


@pytest.mark.parametrize(("change", "error"), [pytest.param(*row, id=name) for name, row in UNFIT.items()])
async def test_an_unfit_account_gets_and_uses_no_token_anywhere(
    service: Service, change: Change, error: str | None
) -> None:
    admin, victim = await service.make_admin(), await service.make_admin()

    changed = await change(service, victim, admin)

    assert changed.is_success
    for route in ACCEPTING:
        assert_invalid_token(await knock(service, route, victim))
    for gets_nothing in TAKING_FROM_THE_BODY.values():
        await gets_nothing(service, victim)
    again = await service.sign_in(victim.email, scope="admin")
    if error is None:
        assert again.status_code == 200
    else:
        assert_oauth_error(again, error)


async def test_a_disabled_client_gets_and_uses_no_token_anywhere_until_it_is_enabled(service: Service) -> None:
    victim = await service.make_admin()

    await change_client(service, FIRST_PARTY_CLIENT_ID, is_active=False)
    try:
        answers = [await knock(service, route, victim) for route in ACCEPTING]
        refreshed = await refresh(service, victim.refresh_token)
    finally:
        await change_client(service, FIRST_PARTY_CLIENT_ID, is_active=True)

    for answer in answers:
        assert_invalid_token(answer)
    assert refreshed.json()["error"] in {"invalid_grant", "invalid_client"}
    assert (await knock(service, "GET /users/me", victim)).status_code == 200
    assert (await refresh(service, victim.refresh_token)).status_code == 200


async def test_a_client_s_own_token_is_nobody_s_at_every_route(service: Service) -> None:
    client = await store_client_session(service)

    answers = {route: await knock(service, route, client) for route in ACCEPTING}

    for answer in answers.values():
        assert_problem(answer, 403, code="user_token_required")


async def test_a_client_s_own_token_ends_with_its_session(service: Service) -> None:
    client = await store_client_session(service)

    async with service.runtime.unit_of_work(writing=True) as work:
        ended = [await work.sessions.end(client.session_id, of=None) for _ in range(2)]

    assert ended == [True, False]
    assert_invalid_token(await knock(service, "GET /users/me", client))


async def test_a_token_is_refused_when_its_session_is_somebody_else_s_or_another_client_s(service: Service) -> None:
    victim, other = await service.make_user(), await service.make_user()

    await change_session(service, victim.session_id, user_id=other.id)
    assert_invalid_token(await knock(service, "GET /users/me", victim))
    await change_session(service, victim.session_id, user_id=victim.id, client_id=await store_client(service))
    assert_invalid_token(await knock(service, "GET /users/me", victim))


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
