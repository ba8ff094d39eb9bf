"""What the audit keeps of what was refused: a trace of known callers, and nothing that strangers could fill it with."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from auth_service.clients.models import FIRST_PARTY_CLIENT_ID
from tests.support.acts import (
    NETWORK,
    NEW_PASSWORD,
    REQUEST_ID,
    Act,
    World,
    by_administrator,
    by_stranger,
    by_user,
    facts,
    subject_of,
)
from tests.support.service import PASSWORD, Account, bearer

REFUSED: Mapping[str, tuple[Act, list[tuple[str, str | None, str | None, dict[str, Any]]]]] = {
    # what: act, and for each event: event, actor, subject, detail
    "a wrong password": (
        lambda world: world.sign_in("ann", "not the password"),
        [("sign_in", None, "user", {"reason": "wrong_password"})],
    ),
    "an unknown address": (
        lambda world: world.sign_in("secret@example.com", PASSWORD),
        [("sign_in", None, None, {"reason": "unknown_account"})],
    ),
    "a scope for administrators": (
        lambda world: world.sign_in("ann", PASSWORD, scope="items:read admin"),
        [("sign_in", None, "user", {"reason": "invalid_scope"})],
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
        [("access.denied", "user", "administrator", {"code": "permission_denied", "action": "user.read"})],
    ),
    "a deletion": (
        by_user("DELETE", "/items/{item}"),
        [("access.denied", "user", None, {"code": "permission_denied", "action": "user.administer"})],
    ),
    "a wrong current password": (
        by_user("PUT", "/users/me/password", current_password="not it", new_password=NEW_PASSWORD),
        [("password.changed", "user", "user", {})],
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
                "client_id": FIRST_PARTY_CLIENT_ID,
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


async def test_no_trace_holds_a_secret_an_address_or_a_name(world: World) -> None:
    for act, *_ in REFUSED.values():
        await act(world)

    kept = json.dumps([event.model_dump(mode="json") for event in await world.service.audit_events()]).lower()

    secrets = ("secret", "@", "example.com", PASSWORD, NEW_PASSWORD, "not the password", "not it", "argon2", "ann")
    assert [secret for secret in secrets if secret in kept] == []
    assert world.user.token not in kept
