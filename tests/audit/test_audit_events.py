"""What the audit keeps of what happens: who did what to what, from where, and whether it was allowed."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from httpx import Response

from auth_service.audit.models import AuditRecord
from auth_service.oauth.client_auth import FIRST_PARTY_CLIENT_ID
from tests.support.population import store_item
from tests.support.service import PASSWORD, Account, Service, bearer

NETWORK = "192.0.2.1"
REQUEST_ID = "request-1"
NEW_PASSWORD = "a much better passphrase"


@dataclass(frozen=True, slots=True)
class World:
    """A user with an item, and an administrator, who send requests under a known id."""

    service: Service
    user: Account
    administrator: Account
    item_id: UUID

    async def send(self, method: str, path: str, caller: Account | None, body: Mapping[str, Any] | None) -> Response:
        url = path.replace("{user}", str(self.user.id)).replace("{item}", str(self.item_id))
        headers = {"X-Request-ID": REQUEST_ID, **(bearer(caller) if caller else {})}
        return await self.service.client.request(method, url, headers=headers, json=body)

    async def sign_in(self, identifier: str, password: str, **parameters: str) -> Response:
        form = {"grant_type": "password", "username": identifier, "password": password, **parameters}
        return await self.service.client.post("/oauth/token", headers={"X-Request-ID": REQUEST_ID}, data=form)

    async def new_events(self) -> list[AuditRecord]:
        """Return the events of what was sent, but not of how this world was made."""
        return [event for event in await self.service.audit_events() if event.request_id == REQUEST_ID]


@pytest.fixture
async def world(service: Service) -> World:
    user = await service.make_user(username="ann", full_name="Ann Secret")
    administrator = await service.make_admin()
    return World(service, user, administrator, await store_item(service, user.id))


Act = Callable[[World], Awaitable[Response]]


def by_user(method: str, path: str, **body: Any) -> Act:
    return lambda world: world.send(method, path, world.user, body or None)


def by_administrator(method: str, path: str, **body: Any) -> Act:
    return lambda world: world.send(method, path, world.administrator, body or None)


def by_stranger(method: str, path: str, **body: Any) -> Act:
    return lambda world: world.send(method, path, None, body or None)


DONE: Mapping[str, tuple[Act, str, str | None, str, dict[str, Any]]] = {
    # what: act, event, actor, subject, detail
    "sign in": (
        lambda world: world.sign_in("ann", PASSWORD, scope="items:read"),
        "sign_in",
        "user",
        "user",
        {"amr": ["pwd"]},
    ),
    "register": (
        by_stranger("POST", "/users", email="secret@example.com", password=NEW_PASSWORD),
        "user.registered",
        None,
        "new",
        {"privileged": {}},
    ),
    "register somebody": (
        by_user("POST", "/users", email="secret@example.com", password=NEW_PASSWORD),
        "user.registered",
        "user",
        "new",
        {"privileged": {}},
    ),
    "create a user": (
        by_administrator("POST", "/users", email="secret@example.com", is_superuser=True),
        "user.created",
        "administrator",
        "new",
        {"privileged": {"is_superuser": True}},
    ),
    "change one's account": (
        by_user("PATCH", "/users/me", full_name="Secret", username=None),
        "user.updated",
        "user",
        "user",
        {"fields": ["full_name", "username"], "privileged": {}},
    ),
    "administer a user": (
        by_administrator("PUT", "/users/{user}", email="secret@example.com", is_active=False),
        "user.updated",
        "administrator",
        "user",
        {"fields": ["email", "is_active"], "privileged": {"is_active": False}},
    ),
    "delete a user": (by_administrator("DELETE", "/users/{user}"), "user.deleted", "administrator", "user", {}),
    "change one's password": (
        by_user("PUT", "/users/me/password", current_password=PASSWORD, new_password=NEW_PASSWORD),
        "password.changed",
        "user",
        "user",
        {},
    ),
    "create an item": (by_user("POST", "/items", title="Secret"), "item.created", "user", "new", {}),
    "change an item": (
        by_administrator("PATCH", "/items/{item}", title="Secret", price=1),
        "item.updated",
        "administrator",
        "item",
        {"fields": ["price", "title"]},
    ),
    "delete an item": (by_administrator("DELETE", "/items/{item}"), "item.deleted", "administrator", "item", {}),
}


@pytest.mark.parametrize("what", DONE)
async def test_what_is_done_leaves_one_event(world: World, what: str) -> None:
    act, event, actor, subject, detail = DONE[what]

    response = await act(world)

    assert response.is_success, response.text
    [record] = await world.new_events()
    assert facts(record) == {
        "event": event,
        "outcome": "success",
        "actor_id": getattr(world, actor).id if actor else None,
        "subject_id": subject_of(world, subject, response),
        "client_id": FIRST_PARTY_CLIENT_ID if actor else None,
        "network": NETWORK,
        "request_id": REQUEST_ID,
        "detail": detail,
    }


REFUSED: Mapping[str, tuple[Act, list[tuple[str, str | None, str | None, dict[str, Any]]]]] = {
    # what: act, and for each event: event, actor, subject, detail
    "a wrong password": (
        lambda world: world.sign_in("ann", "not the password"),
        [("sign_in", None, "user", {"reason": "wrong_password", "client_id": FIRST_PARTY_CLIENT_ID})],
    ),
    "an unknown address": (
        lambda world: world.sign_in("secret@example.com", PASSWORD),
        [("sign_in", None, None, {"reason": "unknown_account", "client_id": FIRST_PARTY_CLIENT_ID})],
    ),
    "a scope for administrators": (
        lambda world: world.sign_in("ann", PASSWORD, scope="items:read admin"),
        [("sign_in", None, "user", {"reason": "scope_not_grantable", "client_id": FIRST_PARTY_CLIENT_ID})],
    ),
    "a privileged field": (
        by_user("PATCH", "/users/me", is_superuser=True),
        [("access.denied", "user", None, {"code": "privileged_fields", "action": None})],
    ),
    "one's own address": (
        by_user("PATCH", "/users/me", email="secret@example.com"),
        [("access.denied", "user", None, {"code": "email_change_needs_proof", "action": None})],
    ),
    "somebody else's account": (
        lambda world: world.send("GET", f"/users/{world.administrator.id}", world.user, None),
        [("access.denied", "user", None, {"code": "permission_denied", "action": "user.read"})],
    ),
    "a deletion": (
        by_user("DELETE", "/items/{item}"),
        [("access.denied", "user", None, {"code": "permission_denied", "action": "administer"})],
    ),
    "a wrong current password": (
        by_user("PUT", "/users/me/password", current_password="not it", new_password=NEW_PASSWORD),
        [
            ("access.denied", "user", None, {"code": "wrong_password", "action": None}),
            ("password.changed", "user", "user", {}),
        ],
    ),
}


async def test_a_refusal_leaves_a_trace_although_the_transaction_is_rolled_back(world: World) -> None:
    for what, (act, expected) in REFUSED.items():
        before = {event.id for event in await world.new_events()}

        response = await act(world)

        assert response.status_code in {400, 403}, what
        records = [facts(event) for event in await world.new_events() if event.id not in before]
        assert sorted(records, key=lambda fact: str(fact["event"])) == [
            {
                "event": event,
                "outcome": "failure",
                "actor_id": getattr(world, actor).id if actor else None,
                "subject_id": subject_of(world, subject, response) if subject else None,
                "client_id": FIRST_PARTY_CLIENT_ID if actor else None,
                "network": NETWORK,
                "request_id": REQUEST_ID,
                "detail": detail,
            }
            for event, actor, subject, detail in expected
        ]


NO_TRACE: Mapping[str, tuple[Act, int]] = {
    "no token": (by_stranger("GET", "/users/me"), 401),
    "a bad token": (
        lambda world: world.send("DELETE", "/items/{item}", Account(world.user.id, "", token="x.y.z"), None),
        401,
    ),
    "a stranger's privileged field": (
        by_stranger("POST", "/users", email="s@example.com", password=PASSWORD, is_superuser=True),
        403,
    ),
    "a body that is not understood": (by_user("PATCH", "/users/me", nickname="Ann"), 422),
    "a weak password": (
        by_user("PUT", "/users/me/password", current_password=PASSWORD, new_password="seven 7"),
        422,
    ),
    "a missing item": (by_user("PATCH", f"/items/{UUID(int=7)}", title="A bell"), 404),
    "a taken address": (
        lambda world: world.send("POST", "/users", None, {"email": world.user.email, "password": PASSWORD}),
        409,
    ),
    "a taken username": (by_administrator("PATCH", "/users/me", username="ann"), 409),
    "the last administrator": (by_administrator("PATCH", "/users/me", is_superuser=False), 409),
    "a reading": (by_user("GET", "/users/me"), 200),
}


async def test_neither_what_came_to_nothing_nor_a_stranger_fills_the_audit(world: World) -> None:
    answers = {what: (await act(world)).status_code for what, (act, _) in NO_TRACE.items()}

    assert answers == {what: status for what, (_, status) in NO_TRACE.items()}
    assert await world.new_events() == []


async def test_a_disabled_users_token_leaves_no_event(world: World) -> None:
    await world.service.client.patch(
        f"/users/{world.user.id}", headers=bearer(world.administrator), json={"is_active": False}
    )

    response = await world.send("DELETE", "/items/{item}", world.user, None)

    assert response.status_code == 401
    assert await world.new_events() == []


async def test_events_outlive_whom_they_are_about(world: World) -> None:
    await world.send("PATCH", "/users/me", world.user, {"full_name": "Ann"})

    await world.send("DELETE", "/users/{user}", world.administrator, None)

    events = await world.new_events()
    assert sorted((event.event, event.subject_id) for event in events) == [
        ("user.deleted", world.user.id),
        ("user.updated", world.user.id),
    ]


async def test_no_event_holds_a_secret_an_address_or_a_name(world: World) -> None:
    for act, *_ in DONE.values():
        await act(world)
    for refused, _ in REFUSED.values():
        await refused(world)

    kept = json.dumps([event.model_dump(mode="json") for event in await world.service.audit_events()]).lower()

    secrets = ("secret", "@", "example.com", PASSWORD, NEW_PASSWORD, "not the password", "not it", "argon2", "ann")
    assert [secret for secret in secrets if secret in kept] == []
    assert world.user.token not in kept


def facts(record: AuditRecord) -> dict[str, Any]:
    return record.model_dump(exclude={"id", "occurred_at"})


def subject_of(world: World, subject: str, response: Response) -> UUID:
    match subject:
        case "new":
            return UUID(response.json()["id"])
        case "item":
            return world.item_id
        case _:
            return world.user.id
