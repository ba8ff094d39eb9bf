"""Fields that a caller may not set: refused in every body, for their presence and not their value, and not set."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient, Response
from sqlmodel import select

from auth_service.items.models import Item
from auth_service.users.models import User
from tests.conftest import MakeUser
from tests.support.paths import fill
from tests.support.population import store_item
from tests.support.routes import documented_routes, make_app
from tests.support.service import PASSWORD, Account, Service, assert_problem, bearer

SOME_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
MOMENT = "2026-01-01T00:00:00Z"
# Nobody sets these, administrators neither.
KEPT: Mapping[str, Any] = {
    "id": SOME_ID,
    "client_id": "client_chosen",
    "client_secret": "chosen",
    "secret_digest": "chosen",
    "sessions_ended_at": MOMENT,
    "sub": SOME_ID,
    "owner_id": SOME_ID,
    "owner": {"id": SOME_ID},
    "hashed_password": "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
    "password_hash": "x",
    "email_normalized": "other@example.com",
    "email_verified_at": MOMENT,
    "credential_epoch": 99,
    "created_at": MOMENT,
    "updated_at": MOMENT,
    "last_login_at": MOMENT,
    "roles": ["admin"],
    "scopes": ["admin"],
    "__class__": "User",
}
# Administrators set these, on users only; each of them with a value that would change nothing, too.
PRIVILEGED: tuple[tuple[str, bool], ...] = tuple(
    (name, value) for name in ("is_superuser", "is_active", "email_verified") for value in (True, False)
)
BODIES: Mapping[str, Mapping[str, Any]] = {
    "POST /users": {"email": "new@example.com", "password": PASSWORD},
    "PATCH /users/me": {"full_name": "New Name"},
    "PUT /users/me/password": {"current_password": PASSWORD, "new_password": "a new passphrase"},
    "POST /users/me/email": {"new_email": "new@example.com", "current_password": PASSWORD},
    "POST /users/me/email/confirm": {"token": "email_none"},
    "POST /email-verifications": {"email": "new@example.com"},
    "POST /email-verifications/confirm": {"token": "verify_none", "password": PASSWORD},
    "POST /password-recoveries": {"email": "new@example.com"},
    "POST /password-recoveries/confirm": {"token": "recover_none", "new_password": PASSWORD},
    "POST /users/me/deactivate": {"current_password": PASSWORD},
    "POST /users/me/totp/confirm": {"code": "123456"},
    "PATCH /users/{user_id}": {"full_name": "New Name"},
    "PUT /users/{user_id}": {"full_name": "New Name"},
    "POST /items": {"title": "A blue bicycle"},
    "PATCH /items/{item_id}": {"title": "A red bicycle"},
    "PUT /items/{item_id}": {"title": "A red bicycle"},
    "POST /clients": {"name": "Orders", "kind": "public"},
    "PATCH /clients/{client_id}": {"name": "Orders"},
}
FOR_ADMINISTRATORS = ("POST /clients", "PATCH /clients/{client_id}")
TAKE_PRIVILEGED_FIELDS = ("POST /users", "PATCH /users/me", "PATCH /users/{user_id}", "PUT /users/{user_id}")


def test_every_route_that_takes_json_is_tried() -> None:
    documented = documented_routes(make_app())

    takes_json = {
        route
        for route, operation in documented.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }

    assert set(BODIES) == takes_json


@pytest.mark.parametrize("route", BODIES)
async def test_no_body_sets_what_the_service_keeps_for_itself(
    route: str, service: Service, make_user: MakeUser, make_admin: MakeUser
) -> None:
    callers = [await make_admin()] if route in FOR_ADMINISTRATORS else [await make_user(), await make_admin()]
    kept = {name: value for name, value in KEPT.items() if name != "scopes" or route not in FOR_ADMINISTRATORS}
    for caller in callers:
        item_id = await store_item(service, caller.id)
        before = await _everything(service)

        response = await _send(service, route, caller, item_id, kept)

        assert_problem(response, 422, code="invalid_input")
        assert {error["location"][-1] for error in response.json()["errors"]} == set(kept)
        assert await _everything(service) == before


@pytest.mark.parametrize("route", BODIES)
async def test_a_privileged_field_of_whatever_value_refuses_the_whole_body_of_a_user(
    route: str, service: Service, make_user: MakeUser
) -> None:
    user = await make_user()
    item_id = await store_item(service, user.id)
    before = await _everything(service)
    status, code = (403, "privileged_fields") if route in TAKE_PRIVILEGED_FIELDS else (422, "invalid_input")
    if route in FOR_ADMINISTRATORS:
        status, code = 403, "permission_denied"

    answers = [await _send(service, route, user, item_id, {name: value}) for name, value in PRIVILEGED]

    for answer in answers:
        assert_problem(answer, status, code=code)
    assert await _everything(service) == before


async def test_a_stranger_who_registers_sets_no_privileged_field(client: AsyncClient, service: Service) -> None:
    for name, value in PRIVILEGED:
        response = await client.post("/users", json={**BODIES["POST /users"], name: value})

        assert_problem(response, 403, code="privileged_fields")
        assert response.json()["detail"] == f"Only administrators may set {name}. Nothing was changed."
    assert await _everything(service) == []


async def _send(service: Service, route: str, caller: Account, item_id: UUID, extra: Mapping[str, Any]) -> Response:
    method, _, path = route.partition(" ")
    # The built-in client would refuse whatever is not refused before.
    url = fill(path, user_id=caller.id, item_id=item_id, client_id="client_first_party")
    return await service.client.request(method, url, headers=bearer(caller), json={**BODIES[route], **extra})


async def _everything(service: Service) -> list[dict[str, Any]]:
    """Return every user and every item, as they are stored."""
    async with service.runtime.database.transaction(writing=False) as session:
        users = (await session.exec(select(User).order_by("id"))).all()
        items = (await session.exec(select(Item).order_by("id"))).all()
        return [row.model_dump() for row in (*users, *items)]
