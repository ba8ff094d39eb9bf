"""What is stored about a person: they get all of it, and after an erasure there is nothing left but events."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import LargeBinary, select

from auth_service.accounts.account_mail import MailKind
from auth_service.accounts.models import PendingRegistration
from auth_service.audit.models import AuditRecord
from auth_service.authenticators.models import RecoveryCode, SingleUseToken, TotpCredential
from auth_service.authenticators.single_use import Purpose
from auth_service.db.base import Table
from auth_service.mail.models import OutboxMessage
from auth_service.oauth.models import SignInChallenge
from auth_service.tokens.models import SessionRecord
from auth_service.users.models import User
from tests.support.population import START, store_item
from tests.support.service import Account, Service, assert_problem, bearer

SECRET = b"a digest, or ciphertext"
SEALED = b"a mail, which nobody can search"
ABOUT_NOBODY = {"oauth_clients", "revocation_counter", "revocations", "signing_keys", "throttle_counters"}
MARK = "zebra"
PERSON = {"email": "zebra@example.com", "username": "zebra", "full_name": "Zebra Example"}
EXPORT = "/users/me/export"


async def store_everything(service: Service) -> Account:
    """Return a person of whom there is something in every table."""
    person = await service.make_user(**PERSON)
    await service.make_item(person, title="A zebra")
    await service.client.post("/oauth/token", headers={"User-Agent": MARK}, data=_form())
    async with service.runtime.database.transaction(writing=True) as session:
        session.add_all(_proofs_of(person))
    assert {table for table, stored in (await everything_stored(service)).items() if not stored} <= ABOUT_NOBODY
    return person


def _proofs_of(person: Account) -> list[Table]:
    return [
        TotpCredential(user_id=person.id, sealed_seed=SECRET, created_at=START, confirmed_at=START),
        RecoveryCode(digest=SECRET + b"1", user_id=person.id, created_at=START),
        RecoveryCode(digest=SECRET + b"2", user_id=person.id, created_at=START),
        SingleUseToken(
            digest=SECRET + b"3",
            purpose=Purpose.RECOVER_PASSWORD,
            user_id=person.id,
            credential_epoch=1,
            email=PERSON["email"],
            created_at=START,
            expires_at=START,
        ),
        PendingRegistration(
            digest=SECRET + b"4",
            email="Zebra@EXAMPLE.com",
            email_normalized=PERSON["email"],
            hashed_password="$argon2id$zebra",
            created_at=START,
            expires_at=START,
        ),
        SignInChallenge(
            digest=SECRET + b"5",
            user_id=person.id,
            client_id="client_first_party",
            credential_epoch=1,
            scopes=[],
            audiences=[],
            amr=["pwd"],
            created_at=START,
            expires_at=START,
        ),
        OutboxMessage(id=uuid4(), kind=MailKind.NOTICE, sealed=SEALED, created_at=START, due_at=START, failed_at=START),
    ]


def _form() -> dict[str, str]:
    return {"grant_type": "password", "username": "zebra", "password": "correct horse battery staple"}


async def everything_stored(service: Service) -> dict[str, list[Mapping[str, Any]]]:
    async with service.runtime.database.engine.connect() as connection:
        return {
            table.name: [dict(row) for row in (await connection.execute(select(table))).mappings()]
            for table in Table.metadata.sorted_tables
        }


async def test_a_person_gets_everything_that_is_stored_about_them(service: Service) -> None:
    person = await store_everything(service)
    headers = bearer(person)

    response = await service.client.get(EXPORT, headers=headers)

    assert response.headers["content-disposition"] == 'attachment; filename="account.json"'
    assert response.headers["cache-control"] == "no-store"
    document = response.json()
    moment = "2026-01-01T00:00:00Z"
    sessions, events = document.pop("sessions"), document.pop("audit_events")
    assert document.pop("exported_at") > moment
    assert document == {
        "account": (await service.client.get("/users/me", headers=headers)).json(),
        "has_password": True,
        "second_factor": {"created_at": moment, "confirmed_at": moment, "recovery_codes": 2},
        "one_time_tokens": [
            {"purpose": "recover_password", "email": PERSON["email"], "created_at": moment, "expires_at": moment}
        ],
        "items": (await service.client.get("/items", headers=headers)).json()["data"],
        "sessions_complete": True,
        "items_complete": True,
        "audit_events_complete": True,
    }
    shown = (await service.client.get("/users/me/sessions", headers=headers)).json()["data"]
    also = {"audiences": ["http://127.0.0.1:8000"], "ended_at": None}
    assert sessions[0]["user_agent"] == MARK
    assert sorted(sessions, key=repr) == sorted(({**one, **also} for one in shown), key=repr)
    listed = (await service.client.get("/users/me/audit-events", headers=headers)).json()["data"]
    assert events == listed


async def test_a_session_that_has_ended_is_in_it_as_long_as_it_is_stored(service: Service) -> None:
    person = await service.make_user()
    here = await service.sign_in_again(person)
    await service.client.delete(f"/users/me/sessions/{person.session_id}", headers=bearer(here))

    sessions = (await service.client.get(EXPORT, headers=bearer(here))).json()["sessions"]

    assert {one["id"]: one["ended_at"] is None for one in sessions} == {
        str(person.session_id): False,
        str(here.session_id): True,
    }


async def test_no_secret_is_in_it(service: Service) -> None:
    person = await store_everything(service)
    rows = await everything_stored(service)

    text = (await service.client.get(EXPORT, headers=bearer(person))).text

    secrets = {
        form
        for table in Table.metadata.sorted_tables
        for column in table.columns
        for row in rows[table.name]
        if isinstance(column.type, LargeBinary) and (value := row[column.name])
        for form in (value.hex(), value.decode("latin-1"))
    }
    secrets |= {row["hashed_password"] for row in (*rows["users"], *rows["pending_registrations"])}
    secrets |= {row["refresh_locator"] for row in rows["sessions"]}
    assert len(secrets) > 10
    assert [secret for secret in secrets if secret in text] == []


async def test_nobody_else_is_in_it(service: Service) -> None:
    person, other = await service.make_user(), await store_everything(service)

    text = (await service.client.get(EXPORT, headers=bearer(person))).text

    assert MARK not in text.lower()
    assert str(other.id) not in text


async def test_it_says_when_there_is_more_than_it_has_room_for(service: Service) -> None:
    person = await service.make_user()
    for number in range(1001):
        await store_item(service, person.id, created_at=START + timedelta(seconds=number), title=str(number))

    document = (await service.client.get(EXPORT, headers=bearer(person))).json()

    assert (document["items_complete"], len(document["items"])) == (False, 1000)
    assert (document["items"][0]["title"], document["items"][-1]["title"]) == ("1000", "1")
    assert (document["sessions_complete"], document["audit_events_complete"]) == (True, True)


@pytest.mark.parametrize(("stored", "is_complete"), [(1000, True), (1001, False)])
async def test_it_says_when_there_are_more_sessions_than_it_has_room_for(
    service: Service, stored: int, *, is_complete: bool
) -> None:
    person = await service.make_user()  # their session is the newest
    async with service.runtime.database.transaction(writing=True) as session:
        session.add_all(_ended_session(person) for _ in range(stored - 1))

    document = (await service.client.get(EXPORT, headers=bearer(person))).json()

    assert (document["sessions_complete"], len(document["sessions"])) == (is_complete, 1000)
    assert document["sessions"][0]["is_current"]


def _ended_session(person: Account) -> SessionRecord:
    return SessionRecord(
        id=uuid4(),
        user_id=person.id,
        client_id="client_first_party",
        credential_epoch=1,
        scopes=[],
        audiences=[],
        amr=["pwd"],
        created_at=START,
        last_used_at=START,
        idle_expires_at=START,
        expires_at=START,
        ended_at=START,
    )


async def test_a_narrowed_token_needs_both_scopes(service: Service) -> None:
    person = await service.make_user()
    missing = {"items:read": "profile:read", "profile:read": "items:read", "profile:write items:write": "profile:read"}

    for scope, wanted in missing.items():
        narrowed = await service.sign_in_again(person, scope=scope)
        answer = await service.client.get(EXPORT, headers=bearer(narrowed))
        assert_problem(answer, 403, code="insufficient_scope")
        assert f'scope="{wanted}"' in answer.headers["www-authenticate"]
    enough = await service.sign_in_again(person, scope="profile:read items:read")
    assert (await service.client.get(EXPORT, headers=bearer(enough))).status_code == 200


async def test_an_erasure_leaves_nothing_but_events_with_bare_ids(service: Service) -> None:
    administrator, person = await service.make_admin(), await store_everything(service)
    events = [event.id for event in await service.audit_events() if person.id in {event.actor_id, event.subject_id}]

    response = await service.client.delete(f"/users/{person.id}", headers=bearer(administrator))

    assert response.status_code == 204
    stored = await everything_stored(service)
    audit = {row["id"]: row for row in stored.pop("audit_events")}
    assert MARK not in str(stored).lower()
    assert str(person.id) not in str(stored)
    assert repr(SECRET)[2:-1] not in str(stored)
    assert MARK not in str(audit).lower()
    assert set(events) < set(audit)
    kept = {"id", "occurred_at", "event", "outcome", "actor_id", "subject_id", "client_id", "network", "request_id"}
    assert set(next(iter(audit.values()))) == {*kept, "detail"} == set(AuditRecord.model_fields)
    assert await service.stored_user(person.id) is None
    assert (await everything_stored(service))[User.__tablename__]  # the administrator is untouched
