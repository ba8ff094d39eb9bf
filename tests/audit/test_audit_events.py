"""What the audit keeps of what was done: who did what to what, and from where."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from auth_service.audit.events import AuditEvent
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
from tests.support.service import PASSWORD

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
    "leave": (
        by_user("POST", "/users/me/deactivate", current_password=PASSWORD),
        "user.deactivated",
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


ELSEWHERE: Mapping[str, str] = {
    # event: the file of the tests that assert it
    "access.denied": "audit/test_audit_refusals.py",
    "client.authentication": "oauth/test_oauth_client_secrets.py",
    "client.created": "audit/test_audit_clients.py",
    "client.deleted": "audit/test_audit_clients.py",
    "client.secret_rotated": "audit/test_audit_clients.py",
    "client.sign_in": "oauth/grants/test_client_credentials_grant.py",
    "client.updated": "audit/test_audit_clients.py",
    "email.change_requested": "accounts/test_email_change.py",
    "email.changed": "accounts/test_email_change.py",
    "email.verified": "accounts/test_email_verification.py",
    "invitation.sent": "accounts/test_password_recovery.py",
    "one_time_token.issued": "accounts/test_password_recovery.py",
    "one_time_token.refused": "accounts/test_proofs_under_way.py",
    "password.recovered": "accounts/test_password_recovery.py",
    "queued_mail.rewrapped": "cli/test_cli_keys.py",
    "recovery.started": "accounts/test_password_recovery.py",
    "recovery_code.used": "oauth/grants/test_second_factor_grant.py",
    "recovery_codes.renewed": "accounts/test_second_factor_removal.py",
    "refresh": "oauth/grants/test_refresh_refusals.py",
    "refresh.replayed": "oauth/grants/test_refresh_grant.py",
    "refresh.reused": "oauth/grants/test_refresh_grant.py",
    "session.ended": "api/test_sessions_api.py",
    "sign_in.challenged": "accounts/test_second_factor_removal.py",
    "signing_key.created": "tokens/test_tokens_key_rotation.py",
    "signing_key.removed": "tokens/test_tokens_key_rotation.py",
    "signing_key.revoked": "tokens/test_tokens_key_rotation.py",
    "signing_key.rotated": "tokens/test_tokens_key_rotation.py",
    "signing_keys.rewrapped": "cli/test_cli_keys.py",
    "totp.added": "accounts/test_second_factor_removal.py",
    "totp.offered": "accounts/test_second_factor_removal.py",
    "totp.removed": "accounts/test_second_factor_removal.py",
    "totp_seeds.rewrapped": "cli/test_cli_keys.py",
}


def test_every_event_that_there_is_has_a_test() -> None:
    done = {event for _, event, *_ in DONE.values()}

    assert sorted([*done, *ELSEWHERE]) == sorted(AuditEvent)
    for event, file in ELSEWHERE.items():
        assert f'"{event}"' in (Path(__file__).parents[1] / file).read_text(), event


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


async def test_events_outlive_whom_they_are_about(world: World) -> None:
    await world.send("PATCH", "/users/me", world.user, {"full_name": "Ann"})

    await world.send("DELETE", "/users/{user}", world.administrator, None)

    events = await world.new_events()
    assert sorted((event.event, event.subject_id) for event in events) == [
        ("user.deleted", world.user.id),
        ("user.updated", world.user.id),
    ]
