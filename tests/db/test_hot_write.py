"""A write and what goes with it: one statement on PostgreSQL, and on both databases all of it or nothing."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlmodel import func, select

from auth_service.audit import trail
from auth_service.audit.events import AuditEvent
from auth_service.authz.principal import Principal
from auth_service.authz.scopes import Scope
from auth_service.items.models import Item
from auth_service.items.schemas import ItemCreate
from tests.support.service import Account, Service, assert_problem, bearer
from tests.support.statements import watched_statements

NEW = {"title": "A blue bicycle"}


@pytest.fixture
async def ann(service: Service) -> Account:
    return await service.make_user()


async def _events(service: Service) -> list[str]:
    return [each.event for each in await service.audit_events() if each.event.startswith("item")]


async def _count_items(service: Service) -> int:
    async with service.runtime.database.transaction(writing=False) as session:
        return (await session.exec(select(func.count()).select_from(Item))).one()


async def test_an_item_and_its_event_are_one_statement(service: Service, ann: Account) -> None:
    if service.runtime.database.is_sqlite:
        pytest.skip("on SQLite there are no round trips to save")

    with watched_statements(service) as seen:
        item = await service.make_item(ann)
        await service.client.patch(f"/items/{item['id']}", headers=bearer(ann), json={"title": "Red"})

    first_words = [each.text.split()[0] for each in seen]
    assert first_words == ["SELECT", "WITH", "SELECT", "WITH"]  # whose token it is, and the write
    assert await _events(service) == [AuditEvent.ITEM_CREATED, AuditEvent.ITEM_UPDATED]


async def test_of_an_item_that_is_not_there_no_event_says_that_it_was_updated(service: Service, ann: Account) -> None:
    response = await service.client.patch(f"/items/{uuid4()}", headers=bearer(ann), json=NEW)

    assert_problem(response, 404, code="item_not_found")
    assert await _events(service) == []


async def test_without_its_event_there_is_no_item(
    service: Service, ann: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = await service.make_item(ann)
    taken = (await service.audit_events())[-1].id
    monkeypatch.setattr(trail, "uuid7", lambda _moment: taken)

    created = await service.client.post("/items", headers=bearer(ann), json=NEW)
    updated = await service.client.patch(f"/items/{item['id']}", headers=bearer(ann), json={"title": "Red"})

    assert [created.status_code, updated.status_code] == [500, 500]
    found = (await service.client.get("/items", headers=bearer(ann))).json()["data"]
    assert [(each["id"], each["title"]) for each in found] == [(item["id"], NEW["title"])]


async def test_a_write_that_was_not_answered_is_not_done_again(
    service: Service, ann: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been committed: whoever asked is told 503, and looks."""
    if service.runtime.database.is_sqlite:
        pytest.skip("on SQLite no connection is lost")
    fetchrow, sent = asyncpg.Connection.fetchrow, list[UUID]()

    async def lose_the_answer(connection: Any, text: str, *arguments: Any, **options: Any) -> Any:
        row = await fetchrow(connection, text, *arguments, **options)
        if text.startswith("WITH"):
            sent.append(row["id"])
            raise ConnectionResetError
        return row

    monkeypatch.setattr(asyncpg.Connection, "fetchrow", lose_the_answer)

    response = await service.client.post("/items", headers=bearer(ann), json=NEW)

    assert_problem(response, 503, code="database_unavailable")
    assert len(sent) == 1
    assert await _count_items(service) == 1


async def test_nothing_can_be_written_after_the_end(service: Service, ann: Account) -> None:
    """It would be committed by itself, or not at all."""
    if service.runtime.database.is_sqlite:
        pytest.skip("on SQLite everything is written in one transaction")
    caller = Principal(subject=ann.id, is_superuser=False, scopes=frozenset(Scope), client_id="client_first_party")

    async with service.runtime.unit_of_work(writing=True) as work:
        await work.items.create(caller, ItemCreate.model_validate(NEW))
        with pytest.raises(RuntimeError, match="after the end"):
            work.audit.record(AuditEvent.ITEM_CREATED, actor=caller)
