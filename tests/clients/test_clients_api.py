"""Administering clients over HTTP."""

import re
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response
from sqlmodel import col, select

from auth_service.clients.models import FIRST_PARTY_CLIENT_ID, Client
from auth_service.db.clock import database_now
from auth_service.tokens.models import RevocationRecord
from auth_service.tokens.revocations import RevocationKind, revocation_digest
from tests.support.service import Account, Service, assert_problem, bearer
from tests.support.snapshots import stored_rows

ORDERS = {
    "name": "  Orders ",
    "kind": "confidential",
    "grants": ["refresh_token", "client_credentials", "refresh_token"],
    "scopes": ["items:write", "items:read"],
    "audiences": ["https://billing.example.com", "a-plain-name"],
    "own_audience": "https://orders.example.com",
}


async def _send(service: Service, admin: Account, method: str, path: str, body: object = None) -> Response:
    return await service.client.request(method, f"/clients{path}", headers=bearer(admin), json=body)


async def _stored(service: Service, client_id: str) -> Client:
    async with service.runtime.database.transaction(writing=False) as session:
        return (await session.exec(select(Client).where(Client.id == client_id))).one()


async def _ended(service: Service) -> list[RevocationRecord]:
    async with service.runtime.database.transaction(writing=False) as session:
        return list((await session.exec(select(RevocationRecord).order_by(col(RevocationRecord.seq)))).all())


async def test_a_client_is_created_and_its_secret_shown_once(service: Service) -> None:
    admin = await service.make_admin()

    created = await _send(service, admin, "POST", "", ORDERS)

    made = created.json()
    assert created.status_code == 201
    assert created.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"client_[0-9a-f]{32}", made["client_id"])
    assert re.fullmatch(r"client_secret_[A-Za-z0-9_-]{43}", made["client_secret"])
    assert made == {
        "client_id": made["client_id"],
        "name": "Orders",
        "kind": "confidential",
        "grants": ["client_credentials", "refresh_token"],
        "scopes": ["items:read", "items:write"],
        "audiences": ["a-plain-name", "https://billing.example.com"],
        "own_audience": "https://orders.example.com",
        "is_active": True,
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
        "client_secret": made["client_secret"],
    }
    read = await _send(service, admin, "GET", f"/{made['client_id']}")
    assert read.json() == {name: value for name, value in made.items() if name != "client_secret"}


async def test_a_public_client_has_no_secret_and_cannot_get_one(service: Service) -> None:
    admin = await service.make_admin()

    created = await _send(service, admin, "POST", "", {"name": "Shop", "kind": "public", "grants": ["password"]})
    rotated = await _send(service, admin, "POST", f"/{created.json()['client_id']}/secret")

    assert created.json()["client_secret"] is None
    assert_problem(rotated, 409, code="public_client")
    assert (await _stored(service, created.json()["client_id"])).secret_digest is None


async def test_ids_and_secrets_are_never_the_same_twice(service: Service) -> None:
    made = [await service.make_client() for _ in range(20)]

    assert len({one.client_id for one in made}) == len({one.client_secret for one in made}) == 20


async def test_no_secret_is_stored_shown_again_logged_or_recorded(
    service: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    admin = await service.make_admin()
    made = (await _send(service, admin, "POST", "", ORDERS)).json()
    path = f"/{made['client_id']}"

    rotated = (await _send(service, admin, "POST", f"{path}/secret")).json()
    answers = [
        await _send(service, admin, "GET", path),
        await _send(service, admin, "GET", ""),
        await _send(service, admin, "PATCH", path, {"name": "Orders 2"}),
    ]

    stored, events = await stored_rows(service), await service.audit_events()
    digest = (await _stored(service, made["client_id"])).secret_digest
    written = "".join(
        [repr(stored), repr([one.model_dump() for one in events]), *capfd.readouterr(), *(one.text for one in answers)]
    )
    assert [one for one in (made["client_secret"], rotated["client_secret"]) if one in written] == []
    assert made["client_secret"] != rotated["client_secret"]
    assert [one.json() for one in answers if "secret" in one.text] == []
    assert repr(digest) not in repr(await _stored(service, made["client_id"]))


async def test_a_change_leaves_what_is_not_sent(service: Service) -> None:
    admin = await service.make_admin()
    made = (await _send(service, admin, "POST", "", ORDERS)).json()
    path = f"/{made.pop('client_id')}"
    del made["client_secret"], made["updated_at"]

    changes: list[dict[str, Any]] = [{"name": "Returns"}, {"audiences": []}, {"own_audience": None}, {"grants": []}]
    for change in changes:
        made.update(change)
        changed = (await _send(service, admin, "PATCH", path, change)).json()

        assert changed.items() >= made.items()


async def test_two_clients_do_not_go_by_one_name(service: Service) -> None:
    admin, other = await service.make_admin(), await service.make_client()
    await _send(service, admin, "POST", "", ORDERS)
    before = await stored_rows(service)

    created = await _send(service, admin, "POST", "", ORDERS)
    changed = await _send(service, admin, "PATCH", f"/{other.client_id}", {"own_audience": ORDERS["own_audience"]})
    change = {"own_audience": ORDERS["own_audience"], "is_active": False}
    changed_and_disabled = await _send(service, admin, "PATCH", f"/{other.client_id}", change)

    assert_problem(created, 409, code="own_audience_taken")
    assert_problem(changed, 409, code="own_audience_taken")
    assert_problem(changed_and_disabled, 409, code="own_audience_taken")
    assert await stored_rows(service) == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("PATCH", "", {"is_active": False}, id="disabled"),
        pytest.param("PATCH", "", {"grants": []}, id="left without grants"),
        pytest.param("PATCH", "", {}, id="touched"),
        pytest.param("POST", "/secret", None, id="given a secret"),
        pytest.param("DELETE", "", None, id="deleted"),
    ],
)
async def test_the_built_in_client_cannot_be(
    service: Service, method: str, path: str, body: dict[str, Any] | None
) -> None:
    admin = await service.make_admin()
    before = await stored_rows(service)

    refused = await _send(service, admin, method, f"/{FIRST_PARTY_CLIENT_ID}{path}", body)

    assert_problem(refused, 409, code="built_in_client")
    assert await stored_rows(service) == before


@pytest.mark.parametrize("apart", [timedelta(0), timedelta(seconds=1)], ids=["of one moment", "of many"])
async def test_every_client_is_on_one_page_and_a_cursor_is_good_for_clients_only(
    service: Service, apart: timedelta
) -> None:
    admin = await service.make_admin()
    made = [(await service.make_client()).client_id for _ in range(5)]
    async with service.runtime.database.transaction(writing=True) as session:
        for number, client in enumerate((await session.exec(select(Client).order_by(col(Client.id)))).all()):
            client.created_at = client.created_at.replace(microsecond=0, second=0, minute=0) + number * apart
    seen: list[str] = []
    query = "?limit=2&count=true"

    while query:
        page = (await _send(service, admin, "GET", query)).json()
        seen += [one["client_id"] for one in page["data"]]
        assert page["count"] == 6
        query = f"?limit=2&count=true&cursor={page['next_cursor']}" if page["next_cursor"] else ""

    cursor = (await _send(service, admin, "GET", "?limit=1")).json()["next_cursor"]
    elsewhere = await service.client.get(f"/users?limit=1&cursor={cursor}", headers=bearer(admin))
    assert sorted(seen) == sorted([*made, FIRST_PARTY_CLIENT_ID])
    assert_problem(elsewhere, 400, code="invalid_cursor")
    assert_problem(await _send(service, admin, "GET", "?cursor=garbage"), 400, code="invalid_cursor")


@pytest.mark.parametrize(
    ("method", "body", "ends"),
    [
        pytest.param("PATCH", {"is_active": False}, True, id="disabling"),
        pytest.param("DELETE", None, True, id="deleting"),
        pytest.param("PATCH", {"is_active": True}, False, id="enabling one that is active"),
        pytest.param("PATCH", {"grants": [], "scopes": [], "audiences": []}, False, id="taking rights away"),
    ],
)
async def test_other_services_learn_of(service: Service, method: str, body: dict[str, Any] | None, ends: bool) -> None:
    admin, client = await service.make_admin(), await service.make_client()
    before = [one.seq for one in await _ended(service)]
    async with service.runtime.database.transaction(writing=False) as session:
        started = (await session.exec(select(database_now()))).one()

    answer = await _send(service, admin, method, f"/{client.client_id}", body)

    assert answer.is_success
    entries = [one for one in await _ended(service) if one.seq not in before]
    digest = revocation_digest(RevocationKind.CLIENT, client.client_id)
    assert [(one.kind, one.digest) for one in entries] == ([("client", digest)] if ends else [])
    assert all(one.before >= started + service.runtime.settings.tokens.leeway for one in entries)


async def test_a_client_that_is_enabled_again_does_not_bring_its_sessions_back(service: Service) -> None:
    admin, client = await service.make_admin(), await service.make_client()
    path = f"/{client.client_id}"
    assert (await _stored(service, client.client_id)).sessions_ended_at is None

    for is_active in (False, False, True, True):
        answer = await _send(service, admin, "PATCH", path, {"is_active": is_active})
        assert answer.json()["is_active"] is is_active

    stored = await _stored(service, client.client_id)
    assert stored.sessions_ended_at is not None
    assert stored.created_at < stored.sessions_ended_at < stored.updated_at
    digest = revocation_digest(RevocationKind.CLIENT, client.client_id)
    assert [one.digest for one in await _ended(service)].count(digest) == 1


@pytest.mark.parametrize("change", [{}, {"is_active": False}, {"scopes": ["items:read", "items:write"]}])
async def test_a_change_that_changes_nothing_leaves_no_trace(service: Service, change: dict[str, Any]) -> None:
    admin = await service.make_admin()
    client_id = (await _send(service, admin, "POST", "", ORDERS)).json()["client_id"]
    before = (await _send(service, admin, "PATCH", f"/{client_id}", {"is_active": False})).json()
    events = len(await service.audit_events())

    answer = await _send(service, admin, "PATCH", f"/{client_id}", change)

    assert (answer.status_code, answer.json()) == (200, before)
    assert len(await service.audit_events()) == events
