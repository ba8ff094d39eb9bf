"""What a token that was narrowed to one scope still opens: the table is closed, like that of routes and callers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from httpx import Response

from auth_service.authenticators.single_use import Purpose
from auth_service.authz.scopes import Scope
from tests.support.paths import fill
from tests.support.population import store_item, store_session, store_users
from tests.support.post import issue_token
from tests.support.routes import documented_routes, make_app
from tests.support.service import PASSWORD, Account, Service, bearer

READ, WRITE = Scope.PROFILE_READ, Scope.PROFILE_WRITE
ITEMS_READ, ITEMS_WRITE, ADMIN = Scope.ITEMS_READ, Scope.ITEMS_WRITE, Scope.ADMIN
ALL = frozenset(Scope)
NONE: frozenset[Scope] = frozenset()

# By route, the scopes each of which is enough for an administrator: on their own account and items, on foreign ones.
ENOUGH: Mapping[str, tuple[frozenset[Scope], frozenset[Scope]]] = {
    "POST /oauth/token": (ALL, ALL),
    "POST /oauth/revoke": (ALL, ALL),
    "POST /oauth/introspect": (ALL, ALL),
    "GET /oauth/revocations": (ALL, ALL),
    "GET /.well-known/jwks.json": (ALL, ALL),
    "GET /.well-known/oauth-authorization-server": (ALL, ALL),
    "GET /.well-known/openid-configuration": (ALL, ALL),
    "GET /livez": (ALL, ALL),
    "GET /readyz": (ALL, ALL),
    "POST /users": (frozenset({ADMIN}), NONE),
    "GET /users": (frozenset({ADMIN}), NONE),
    "GET /users/me": (frozenset({READ, ADMIN}), NONE),
    "PATCH /users/me": (frozenset({WRITE, ADMIN}), NONE),
    "PUT /users/me/password": (frozenset({WRITE}), NONE),
    "POST /users/me/email": (frozenset({WRITE}), NONE),
    "POST /users/me/email/confirm": (frozenset({WRITE}), NONE),
    "POST /email-verifications": (ALL, ALL),
    "POST /email-verifications/confirm": (ALL, ALL),
    "POST /password-recoveries": (ALL, ALL),
    "POST /password-recoveries/confirm": (ALL, ALL),
    "POST /users/{user_id}/password-recovery": (frozenset({ADMIN}), frozenset({ADMIN})),
    "POST /users/{user_id}/invitation": (frozenset({ADMIN}), frozenset({ADMIN})),
    "GET /users/me/totp": (frozenset({READ}), NONE),
    "POST /users/me/totp": (frozenset({WRITE}), NONE),
    "POST /users/me/totp/confirm": (frozenset({WRITE}), NONE),
    "POST /users/me/recovery-codes": (frozenset({WRITE}), NONE),
    "DELETE /users/me/totp": (frozenset({WRITE}), NONE),
    "DELETE /users/{user_id}/totp": (frozenset({ADMIN}), frozenset({ADMIN})),
    "POST /users/me/deactivate": (frozenset({WRITE}), NONE),
    "GET /users/me/export": (NONE, NONE),  # one scope is not enough: it takes READ and ITEMS_READ
    "GET /users/me/audit-events": (frozenset({READ, ADMIN}), NONE),
    "GET /audit-events": (frozenset({ADMIN}), NONE),
    "GET /users/me/sessions": (frozenset({READ, ADMIN}), NONE),
    "POST /users/me/sessions/end-others": (frozenset({WRITE, ADMIN}), NONE),
    "DELETE /users/me/sessions/{session_id}": (frozenset({WRITE, ADMIN}), NONE),
    "GET /users/{user_id}/sessions": (frozenset({ADMIN}), frozenset({ADMIN})),
    "POST /users/{user_id}/sessions/end-all": (frozenset({ADMIN}), frozenset({ADMIN})),
    "DELETE /users/{user_id}/sessions/{session_id}": (frozenset({ADMIN}), frozenset({ADMIN})),
    "GET /users/{user_id}": (frozenset({READ, ADMIN}), frozenset({ADMIN})),
    "PATCH /users/{user_id}": (frozenset({WRITE, ADMIN}), frozenset({ADMIN})),
    "PUT /users/{user_id}": (frozenset({WRITE, ADMIN}), frozenset({ADMIN})),
    "DELETE /users/{user_id}": (frozenset({ADMIN}), frozenset({ADMIN})),
    "POST /items": (frozenset({ITEMS_WRITE}), NONE),
    "GET /items": (frozenset({ITEMS_READ, ADMIN}), NONE),
    "GET /items/{item_id}": (frozenset({ITEMS_READ, ADMIN}), frozenset({ADMIN})),
    "PATCH /items/{item_id}": (frozenset({ITEMS_WRITE, ADMIN}), frozenset({ADMIN})),
    "PUT /items/{item_id}": (frozenset({ITEMS_WRITE, ADMIN}), frozenset({ADMIN})),
    "DELETE /items/{item_id}": (frozenset({ADMIN}), frozenset({ADMIN})),
    "POST /clients": (frozenset({ADMIN}), NONE),
    "GET /clients": (frozenset({ADMIN}), NONE),
    "GET /clients/{client_id}": (frozenset({ADMIN}), frozenset({ADMIN})),
    "PATCH /clients/{client_id}": (frozenset({ADMIN}), frozenset({ADMIN})),
    "POST /clients/{client_id}/secret": (frozenset({ADMIN}), frozenset({ADMIN})),
    "DELETE /clients/{client_id}": (frozenset({ADMIN}), frozenset({ADMIN})),
}
BODIES: Mapping[str, Mapping[str, Any]] = {
    "POST /users": {"password": PASSWORD},
    "PATCH /users/me": {"full_name": "New Name"},
    "PUT /users/me/password": {"current_password": PASSWORD, "new_password": "a new passphrase"},
    "POST /users/me/email": {"new_email": "new@example.com", "current_password": PASSWORD},
    "POST /users/me/totp/confirm": {"code": "123456"},
    "POST /users/me/deactivate": {"current_password": PASSWORD},
    "PATCH /users/{user_id}": {"full_name": "New Name"},
    "PUT /users/{user_id}": {"full_name": "New Name"},
    "POST /items": {"title": "A blue bicycle"},
    "PATCH /items/{item_id}": {"title": "A red bicycle"},
    "PUT /items/{item_id}": {"title": "A red bicycle"},
    "POST /clients": {"name": "Orders", "kind": "public"},
    "PATCH /clients/{client_id}": {"name": "Orders"},
}
PAST_THE_SCOPE = {"email_not_verified", "totp_not_found", "no_password", "password_exists"}
"""Only who may is told what is missing for it."""
ENDS_THE_OTHERS = "POST /users/me/sessions/end-others"
ENDS_TOKENS = (
    "PUT /users/me/password",
    "POST /users/me/email/confirm",
    "POST /users/me/deactivate",
    ENDS_THE_OTHERS,
    "POST /users/{user_id}/sessions/end-all",
    "DELETE /users/{user_id}",
)
GUARDED = sorted((route for route, (own, _) in ENOUGH.items() if own != ALL), key=lambda route: route in ENDS_TOKENS)


def test_the_table_has_every_route_of_the_openapi_document_and_no_other() -> None:
    documented = documented_routes(make_app())

    assert set(ENOUGH) == set(documented)


async def test_an_administrators_narrowed_token_opens_what_its_scope_says(service: Service) -> None:
    await service.make_admin()
    callers = await _narrowed(service, await service.make_admin())

    opened = {}
    for route in GUARDED:
        if route in ENDS_TOKENS:
            callers = await _narrowed(service, await service.make_admin(), last=ENOUGH[route][0])
        foreign = await _opened(service, route, callers, "foreign") if "{" in route else NONE
        opened[route] = (await _opened(service, route, callers, "own"), foreign)

    assert opened == {route: ENOUGH[route] for route in GUARDED}


async def test_a_users_narrowed_token_opens_the_same_of_their_own_less_what_is_for_administrators(
    service: Service,
) -> None:
    callers = await _narrowed(service, await service.make_user())
    del callers[ADMIN]

    opened = {}
    for route in GUARDED:
        if route in ENDS_TOKENS:
            callers = await _narrowed(service, await service.make_user(), last=ENOUGH[route][0])
            del callers[ADMIN]
        opened[route] = await _opened(service, route, callers, "own")

    registering = {"POST /users": ALL - {ADMIN}}  # needs no right at all
    for_administrators = {route: NONE for route in GUARDED if ENOUGH[route][0] == {ADMIN}}
    owners = {route: ENOUGH[route][0] - {ADMIN} for route in GUARDED}
    assert opened == owners | for_administrators | registering


async def _opened(service: Service, route: str, callers: Mapping[Scope, Account], target: str) -> frozenset[Scope]:
    """Try `route` with each token, and see that the others get the refusal that belongs to narrowed tokens."""
    opened = set()
    for scope, caller in callers.items():
        living = await service.sign_in_again(caller, scope=scope) if route == ENDS_THE_OTHERS else caller
        response = await _call(service, route, living, await _target(service, route, caller, target))
        if response.is_success or response.json()["code"] in PAST_THE_SCOPE:
            opened.add(scope)
        elif not _is_hidden(route, target, scope):
            assert_insufficient_scope(response, is_administrator=ADMIN in callers)
    return frozenset(opened)


def assert_insufficient_scope(response: Response, *, is_administrator: bool) -> None:
    assert response.status_code == 403, response.text
    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
    if is_administrator:
        assert response.json()["code"] == "insufficient_scope"
        assert ', scope="' in response.headers["www-authenticate"]


async def _narrowed(service: Service, account: Account, *, last: frozenset[Scope] = NONE) -> dict[Scope, Account]:
    """Sign in once for each scope; `last` are those whose success may end the others."""
    ordered = sorted(Scope, key=lambda scope: scope in last)
    answers = {scope: await service.sign_in(account.email, scope=scope) for scope in ordered}
    return {
        scope: replace(account, token=answer.json()["access_token"]) if answer.is_success else account
        for scope, answer in answers.items()
    }


def _is_hidden(route: str, target: str, scope: Scope) -> bool:
    """Say whether it is missing rather than refused: a foreign item, or a foreign session among one's own."""
    method = route.partition(" ")[0]
    if "/me/sessions/" in route:
        return target == "foreign" and scope in {WRITE, ADMIN}
    wanted = {"GET": ITEMS_READ, "PATCH": ITEMS_WRITE, "PUT": ITEMS_WRITE}.get(method)
    return "/items/" in route and target == "foreign" and scope == wanted


async def _target(service: Service, route: str, caller: Account, target: str) -> dict[str, object]:
    if "{" not in route:
        return {}
    if "{client_id}" in route:
        return {"client_id": (await service.make_client()).client_id}
    owner_id = (
        caller.id if target == "own" else (await store_users(service, {"email": f"{uuid4().hex}@example.com"}))[0]
    )
    if "{item_id}" in route:
        return {"item_id": await store_item(service, owner_id)}
    return {"user_id": owner_id, "session_id": await store_session(service, owner_id)}


async def _call(service: Service, route: str, caller: Account, target: Mapping[str, object]) -> Response:
    method, _, path = route.partition(" ")
    body = dict(BODIES[route]) if route in BODIES else None
    if route == "POST /users":
        body = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    if route == "POST /users/me/email/confirm":
        new_email = f"{uuid4().hex}@example.com"
        body = {"token": await issue_token(service, caller.id, Purpose.CHANGE_EMAIL, email=new_email)}
    return await service.client.request(method, fill(path, **target), headers=bearer(caller), json=body)
