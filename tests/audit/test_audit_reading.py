"""Reading the record: all of it for administrators, one's own for everybody, and nobody else's whereabouts."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from auth_service.audit.models import AuditRecord
from auth_service.audit.queries import AuditFilter
from auth_service.authz.errors import AccessDeniedError
from auth_service.authz.principal import Principal
from auth_service.authz.scopes import Scope
from auth_service.db.keyset import PageRequest
from auth_service.db.uuid7 import uuid7
from tests.support.acts import NETWORK, NEW_PASSWORD, REQUEST_ID, World
from tests.support.service import PASSWORD, Account, Service, assert_problem, bearer

START = datetime(2026, 1, 1, tzinfo=UTC)
ELSEWHERE = "198.51.100.7"


async def store_events(service: Service, *events: dict[str, Any]) -> list[str]:
    """Store an event for each set of fields, two of them at each moment; return their ids, the newest first."""
    rows = [_event(number, fields) for number, fields in enumerate(events)]
    ids = [str(row.id) for row in sorted(rows, key=lambda row: (row.occurred_at, row.id), reverse=True)]
    async with service.runtime.database.transaction(writing=True) as session:
        session.add_all(rows)
    return ids


def _event(number: int, fields: dict[str, Any]) -> AuditRecord:
    moment = START + timedelta(minutes=number // 2)
    defaults: dict[str, Any] = {"event": "refresh", "outcome": "success", "network": ELSEWHERE, "detail": {}}
    return AuditRecord(**{"id": uuid7(moment), "occurred_at": moment, **defaults, **fields})


async def read(service: Service, caller: Account, path: str, **query: str) -> list[dict[str, Any]]:
    """Return the events of all pages."""
    events: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {**query, **({"cursor": cursor} if cursor else {})}
        page = (await service.client.get(path, headers=bearer(caller), params=params)).json()
        events += page["data"]
        cursor = page["next_cursor"]
    return events


async def test_an_administrator_reads_what_happened_the_newest_first(world: World) -> None:
    await world.send(
        "PUT", "/users/me/password", world.user, {"current_password": "wrong", "new_password": NEW_PASSWORD}
    )

    newest, *older = await read(world.service, world.administrator, "/audit-events")

    assert {name: newest[name] for name in newest if name not in {"id", "occurred_at"}} == {
        "event": "password.changed",
        "outcome": "failure",
        "actor_id": str(world.user.id),
        "subject_id": str(world.user.id),
        "client_id": "client_first_party",
        "network": NETWORK,
        "request_id": REQUEST_ID,
        "detail": {},
    }
    assert older == sorted(older, key=lambda event: (event["occurred_at"], event["id"]), reverse=True)
    assert len(older) == len(await world.service.audit_events()) - 1


@pytest.mark.parametrize("limit", ["1", "4", "9", "100"])
async def test_walking_the_pages_meets_each_event_once(world: World, limit: str) -> None:
    ann, other = world.user.id, UUID(int=7)
    mine = await store_events(
        world.service,
        *({"subject_id": ann} for _ in range(3)),
        *({"actor_id": ann, "subject_id": ann} for _ in range(5)),
        *({"actor_id": ann, "subject_id": other} for _ in range(4)),
    )
    foreign = await store_events(world.service, *({"actor_id": other, "subject_id": other} for _ in range(3)))
    stop = {"occurred_before": "2026-02-01T00:00:00Z", "limit": limit}

    own = await read(world.service, world.user, "/users/me/audit-events", **stop)
    everything = await read(world.service, world.administrator, "/audit-events", **stop)

    assert [event["id"] for event in own] == mine
    assert len(everything) == len({event["id"] for event in everything}) == len(mine) + len(foreign)
    assert everything == sorted(everything, key=lambda event: (event["occurred_at"], event["id"]), reverse=True)


async def test_events_are_counted_when_that_is_asked_for(world: World) -> None:
    ann = world.user.id
    await store_events(world.service, {"subject_id": ann, "actor_id": ann}, {"subject_id": ann}, {"actor_id": ann}, {})
    query = {"count": "true", "limit": "1", "event": "refresh"}

    own = await world.service.client.get("/users/me/audit-events", headers=bearer(world.user), params=query)
    every = await world.service.client.get("/audit-events", headers=bearer(world.administrator), params=query)

    assert (own.json()["count"], every.json()["count"]) == (3, 4)


ONE, TWO = UUID(int=1), UUID(int=2)
FILTERS: dict[str, tuple[dict[str, str], set[int]]] = {
    "event": ({"event": "item.deleted"}, {1}),
    "outcome": ({"outcome": "failure"}, {2}),
    "actor": ({"actor_id": str(ONE)}, {3}),
    "subject": ({"subject_id": str(TWO)}, {4, 5}),
    "client": ({"client_id": "client_orders"}, {5}),
    "network": ({"network": "2001:db8::1"}, {0}),
    "from": ({"occurred_from": "2026-01-01T00:02:00Z"}, {4, 5}),
    "before": ({"occurred_before": "2026-01-01T00:01:00Z"}, {0, 1}),
    "several": ({"subject_id": str(TWO), "client_id": "client_orders", "outcome": "success"}, {5}),
    "none": ({"actor_id": str(ONE), "subject_id": str(TWO)}, set()),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_each_filter_narrows_the_record(world: World, name: str) -> None:
    query, expected = FILTERS[name]
    await store_events(
        world.service,
        {"network": "2001:db8::1", "detail": {"number": 0}},
        {"event": "item.deleted", "detail": {"number": 1}},
        {"outcome": "failure", "detail": {"number": 2}},
        {"actor_id": ONE, "detail": {"number": 3}},
        {"subject_id": TWO, "detail": {"number": 4}},
        {"subject_id": TWO, "client_id": "client_orders", "detail": {"number": 5}},
    )

    found = await read(world.service, world.administrator, "/audit-events", **query)

    assert {event["detail"].get("number", 0) for event in found if event["occurred_at"] < "2026-02"} == expected


@pytest.mark.parametrize("query", ["event=nothing", "outcome=maybe", "actor_id=me", "occurred_from=now", "who=me"])
async def test_what_is_no_filter_is_refused(world: World, query: str) -> None:
    for path in ("/audit-events", "/users/me/audit-events"):
        answer = await world.service.client.get(f"{path}?{query}", headers=bearer(world.administrator))

        assert_problem(answer, 422, code="invalid_input")


async def test_nobody_but_an_administrator_reads_everybodys_or_asks_for_somebody_elses(world: World) -> None:
    other = f"/users/me/audit-events?subject_id={world.administrator.id}"

    everybodys = await world.service.client.get("/audit-events", headers=bearer(world.user))
    elses = await world.service.client.get(other, headers=bearer(world.user))

    assert_problem(everybodys, 403, code="permission_denied")
    assert_problem(elses, 422, code="invalid_input")


async def test_the_service_asks_again_who_may_read_for_commands_call_it_too(world: World) -> None:
    user = Principal(world.user.id, is_superuser=False, scopes=frozenset(Scope), client_id=None)

    async with world.service.runtime.unit_of_work(writing=False) as work:
        with pytest.raises(AccessDeniedError):
            await work.audit_log.search(user, AuditFilter(), PageRequest(limit=1))
        with pytest.raises(AccessDeniedError):
            await work.audit_log.search_own(user, world.administrator.id, AuditFilter(), PageRequest(limit=1))


async def test_one_sees_what_was_done_to_ones_account_but_not_where_somebody_else_was(world: World) -> None:
    await world.send("PATCH", "/users/{user}", world.administrator, {"full_name": "Ann Example"})
    await world.sign_in("ann", "not the password")
    await world.send("PATCH", "/users/me", world.user, {"full_name": "Ann"})

    mine, knocked, theirs = (await read(world.service, world.user, "/users/me/audit-events"))[:3]

    assert [(one["event"], one["network"], one["request_id"]) for one in (mine, knocked, theirs)] == [
        ("user.updated", NETWORK, REQUEST_ID),
        ("sign_in", NETWORK, REQUEST_ID),
        ("user.updated", None, None),
    ]
    assert [one["actor_id"] for one in (mine, knocked, theirs)] == [
        str(world.user.id), None, str(world.administrator.id)
    ]  # fmt: skip
    stored = [event for event in await world.new_events() if event.actor_id == world.administrator.id]
    assert [(event.network, event.request_id) for event in stored] == [(NETWORK, REQUEST_ID)]  # reading changes nothing


async def test_a_cursor_of_the_one_record_opens_nothing_in_the_other(world: World) -> None:
    await store_events(world.service, *({} for _ in range(3)))
    page = await world.service.client.get("/audit-events?limit=1", headers=bearer(world.administrator))
    cursor = page.json()["next_cursor"]

    answer = await world.service.client.get(
        "/users/me/audit-events", headers=bearer(world.user), params={"limit": "1", "cursor": cursor}
    )

    assert_problem(answer, 400, code="invalid_cursor")


async def test_no_password_gets_into_the_record_wherever_it_is_typed(world: World) -> None:
    guess = "a guess at the password"
    await world.sign_in("ann", guess)
    await world.sign_in(PASSWORD, guess)
    await world.send("PATCH", "/users/me", world.user, {"full_name": PASSWORD})
    for current in (guess, PASSWORD):
        change = {"current_password": current, "new_password": NEW_PASSWORD}
        await world.send("PUT", "/users/me/password", world.user, change)

    events = await read(world.service, world.administrator, "/audit-events")

    assert [(one["event"], one["outcome"]) for one in reversed(events) if one["request_id"] == REQUEST_ID] == [
        ("sign_in", "failure"),
        ("sign_in", "failure"),
        ("user.updated", "success"),
        ("password.changed", "failure"),
        ("password.changed", "success"),
    ]
    assert [secret for secret in (PASSWORD, NEW_PASSWORD, guess) if secret in str(events)] == []
