"""Who gets what from which route: the table is closed, so that a new route is refused here until it has a row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from httpx import Response

from tests.support.oauth import form_for
from tests.support.paths import fill
from tests.support.population import store_item, store_session, store_users
from tests.support.routes import documented_routes, make_app, served_routes
from tests.support.service import PASSWORD, Account, Service, bearer

TARGETS = ("missing", "foreign", "own")  # one's own last: what it ends is not needed any more
NOBODY = Account(UUID(int=0), "nobody@example.com")


@dataclass(frozen=True, slots=True)
class Row:
    """The answers of one route: status, and the code of a refusal.

    A user meets what is their own as its owner, and what is foreign as another user. Where a caller has one answer,
    it is the answer for every target.
    """

    user: str | tuple[str, str, str]
    administrator: str | tuple[str, str, str]
    anonymous: str = "401 not_authenticated"
    disabled: str = "401 invalid_token"
    body: Mapping[str, Any] | None = None

    def expected(self, caller: str, target: str) -> str:
        answers: str | tuple[str, str, str] = getattr(self, caller)
        return answers if isinstance(answers, str) else answers[("own", "foreign", "missing").index(target)]


DENIED = "403 permission_denied"
NO_ITEM = "404 item_not_found"
NO_USER = "404 user_not_found"
NO_SECRET = "401 invalid_client"
NO_SESSION = "404 session_not_found"
NO_TOTP = "404 totp_not_found"
NOT_VERIFIED = "403 email_not_verified"
NO_CLIENT = "404 client_not_found"
PUBLIC = Row(user="200", administrator="200", anonymous="200", disabled="200")
USER_RULE = (("200", DENIED, DENIED), ("200", "200", NO_USER))
ITEM_RULE = (("200", NO_ITEM, NO_ITEM), ("200", "200", NO_ITEM))
NO_TOKEN = "403 invalid_one_time_token"
ACCEPTED = Row(user="202", administrator="202", anonymous="202", disabled="202", body={"email": "ann@example.com"})
NEW_USER = {"email": "new@example.com", "password": PASSWORD}

ENDS_TOKENS = (
    "POST /oauth/revoke",
    "PUT /users/me/password",
    "POST /users/me/deactivate",
    "POST /users/{user_id}/sessions/end-all",
    "DELETE /users/{user_id}",
)

TABLE: Mapping[str, Row] = {
    "POST /oauth/token": Row("200", "200", anonymous="400 invalid_grant", disabled="400 invalid_grant"),
    "POST /oauth/revoke": PUBLIC,
    "POST /oauth/introspect": Row(NO_SECRET, NO_SECRET, anonymous=NO_SECRET, disabled=NO_SECRET),
    "GET /oauth/revocations": PUBLIC,
    "GET /.well-known/jwks.json": PUBLIC,
    "GET /.well-known/oauth-authorization-server": PUBLIC,
    "GET /.well-known/openid-configuration": PUBLIC,
    "GET /livez": PUBLIC,
    "GET /readyz": PUBLIC,
    "POST /users": Row("201", "201", anonymous="201", body=NEW_USER),
    "GET /users": Row(DENIED, "200"),
    "GET /users/me": Row("200", "200"),
    "PATCH /users/me": Row("200", "200", body={"full_name": "New Name"}),
    "PUT /users/me/password": Row(
        "204", "204", body={"current_password": PASSWORD, "new_password": "a new passphrase"}
    ),
    "POST /users/me/email": Row("202", "202", body={"new_email": "new@example.com", "current_password": PASSWORD}),
    "POST /users/me/email/confirm": Row(NO_TOKEN, NO_TOKEN, body={"token": "email_none"}),
    "POST /email-verifications": ACCEPTED,
    "POST /email-verifications/confirm": Row(
        NO_TOKEN, NO_TOKEN, NO_TOKEN, NO_TOKEN, body={"token": "verify_none", "password": PASSWORD}
    ),
    "POST /password-recoveries": ACCEPTED,
    "POST /password-recoveries/confirm": Row(
        NO_TOKEN, NO_TOKEN, NO_TOKEN, NO_TOKEN, body={"token": "recover_none", "new_password": PASSWORD}
    ),
    "POST /users/{user_id}/password-recovery": Row(DENIED, ("202", "409 no_password", NO_USER)),
    "POST /users/{user_id}/invitation": Row(DENIED, ("409 password_exists", "202", NO_USER)),
    "GET /users/me/totp": Row("200", "200"),
    "POST /users/me/totp": Row(NOT_VERIFIED, NOT_VERIFIED),
    "POST /users/me/totp/confirm": Row(NOT_VERIFIED, NOT_VERIFIED, body={"code": "123456"}),
    "DELETE /users/me/totp": Row(NO_TOTP, NO_TOTP),
    "POST /users/me/recovery-codes": Row(NO_TOTP, NO_TOTP),
    "DELETE /users/{user_id}/totp": Row(DENIED, (NO_TOTP, NO_TOTP, NO_USER)),
    "POST /users/me/deactivate": Row("204", "204", body={"current_password": PASSWORD}),
    "GET /users/me/export": Row("200", "200"),
    "GET /users/me/audit-events": Row("200", "200"),
    "GET /audit-events": Row(DENIED, "200"),
    "GET /users/me/sessions": Row("200", "200"),
    "POST /users/me/sessions/end-others": Row("204", "204"),
    "DELETE /users/me/sessions/{session_id}": Row(("204", NO_SESSION, NO_SESSION), ("204", NO_SESSION, NO_SESSION)),
    "GET /users/{user_id}/sessions": Row(DENIED, ("200", "200", NO_USER)),
    "POST /users/{user_id}/sessions/end-all": Row(DENIED, ("204", "204", NO_USER)),
    "DELETE /users/{user_id}/sessions/{session_id}": Row(DENIED, ("204", "204", NO_SESSION)),
    "GET /users/{user_id}": Row(*USER_RULE),
    "PATCH /users/{user_id}": Row(*USER_RULE, body={"full_name": "New Name"}),
    "PUT /users/{user_id}": Row(*USER_RULE, body={"full_name": "New Name"}),
    "DELETE /users/{user_id}": Row(DENIED, ("204", "204", NO_USER)),
    "POST /items": Row("201", "201", body={"title": "A blue bicycle"}),
    "GET /items": Row("200", "200"),
    "GET /items/{item_id}": Row(*ITEM_RULE),
    "PATCH /items/{item_id}": Row(*ITEM_RULE, body={"title": "A red bicycle"}),
    "PUT /items/{item_id}": Row(*ITEM_RULE, body={"title": "A red bicycle"}),
    "DELETE /items/{item_id}": Row(DENIED, ("204", "204", NO_ITEM)),
    "POST /clients": Row(DENIED, "201", body={"name": "Orders", "kind": "public"}),
    "GET /clients": Row(DENIED, "200"),
    "GET /clients/{client_id}": Row(DENIED, ("200", "200", NO_CLIENT)),
    "PATCH /clients/{client_id}": Row(DENIED, ("200", "200", NO_CLIENT), body={"name": "Orders"}),
    "POST /clients/{client_id}/secret": Row(DENIED, ("200", "200", NO_CLIENT)),
    "DELETE /clients/{client_id}": Row(DENIED, ("204", "204", NO_CLIENT)),
}


def test_the_table_has_every_route_of_the_openapi_document_and_no_other() -> None:
    documented = documented_routes(make_app())

    assert set(TABLE) == set(documented)


def test_no_route_is_hidden_from_the_document_but_those_of_the_documentation() -> None:
    app = make_app()

    hidden = served_routes(app) - set(documented_routes(app))

    assert hidden == {
        "GET /openapi.json",
        "GET /",
        "GET /docs",
        "GET /docs/start.js",
        "GET /docs/assets/{name}",
    }


async def test_each_kind_of_caller_gets_exactly_what_the_table_says(service: Service) -> None:
    documented = documented_routes(service.app)
    callers = await _callers(service)

    answers, expected = {}, {}
    for route in sorted(TABLE, key=lambda route: route in ENDS_TOKENS):
        if route in ENDS_TOKENS:
            callers = await _callers(service)
        for caller, account in callers.items():
            for target in TARGETS if "{" in route else ("own",):
                response = await _call(service, route, account, await _target(service, route, account, target))
                assert str(response.status_code) in documented[route]["responses"]
                answers[route, caller, target] = _answer(response)
                expected[route, caller, target] = TABLE[route].expected(caller, target)

    assert answers == expected


async def _callers(service: Service) -> dict[str, Account]:
    """Return one caller of each kind; a second administrator sees to it that any of them may go."""
    await service.make_admin()
    administrator, disabled = await service.make_admin(), await service.make_user()
    user = await service.make_user()
    await service.client.patch(f"/users/{disabled.id}", headers=bearer(administrator), json={"is_active": False})
    return {"anonymous": NOBODY, "user": user, "disabled": disabled, "administrator": administrator}


async def _target(service: Service, route: str, caller: Account, target: str) -> dict[str, object]:
    """Return the ids that go into the path: they exist, unless they are missing, and serve this one call."""
    if "{" not in route or target == "missing":
        return {}
    if "{client_id}" in route:  # nobody's own
        return {"client_id": (await service.make_client()).client_id}
    is_own = target == "own" and caller is not NOBODY
    owner_id = caller.id if is_own else (await store_users(service, {"email": f"{uuid4().hex}@example.com"}))[0]
    if "{item_id}" in route:
        return {"item_id": await store_item(service, owner_id)}
    return {"user_id": owner_id, "session_id": await store_session(service, owner_id)}


async def _call(service: Service, route: str, caller: Account, target: Mapping[str, object]) -> Response:
    method, _, path = route.partition(" ")
    if path.startswith("/oauth/") and method == "POST":
        return await service.client.post(path, data=form_for(path, caller))
    body = TABLE[route].body
    if route == "POST /users":
        body = {**NEW_USER, "email": f"{uuid4().hex}@example.com"}
    headers = bearer(caller) if caller.token else {}
    return await service.client.request(method, fill(path, **target), headers=headers, json=body)


def _answer(response: Response) -> str:
    if response.status_code < 400:
        return str(response.status_code)
    body = response.json()
    return f"{response.status_code} {body.get('code') or body['error']}"
