"""Items over HTTP: their whole life, who sees them, and their owners along with them."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient
from sqlmodel import col, select

from auth_service.authz.principal import Principal
from auth_service.authz.scopes import Scope
from auth_service.items.errors import OwnerGoneError
from auth_service.items.models import Item
from auth_service.items.schemas import ItemCreate
from tests.conftest import MakeUser
from tests.support.population import store_item
from tests.support.service import Service, assert_problem, bearer
from tests.support.statements import watched_statements

ROUNDS = 10
BEHIND_THE_GATE = 2  # the caller's own row, then what was asked for


async def test_the_life_of_an_item(client: AsyncClient, make_user: MakeUser, make_admin: MakeUser) -> None:
    owner, administrator = await make_user(), await make_admin()

    created = await client.post("/items", headers=bearer(owner), json={"title": " A blue bicycle "})
    path = f"/items/{created.json()['id']}"
    changed = await client.patch(path, headers=bearer(owner), json={"price": 99, "description": "Ridden twice."})
    replaced = await client.put(path, headers=bearer(administrator), json={"title": "A red bicycle", "price": None})
    read = await client.get(path, headers=bearer(owner))
    deleted = await client.delete(path, headers=bearer(administrator))
    gone = await client.get(path, headers=bearer(owner))

    item = created.json()
    assert (created.status_code, deleted.status_code, deleted.content) == (201, 204, b"")
    assert item == {
        "id": item["id"],
        "owner_id": str(owner.id),
        "title": "A blue bicycle",
        "description": None,
        "price": None,
        "created_at": item["created_at"],
        "updated_at": item["created_at"],
    }
    later = changed.json()["updated_at"]
    assert changed.json() == {**item, "price": 99.0, "description": "Ridden twice.", "updated_at": later}
    assert read.json() == replaced.json()
    assert replaced.json() == {
        **changed.json(),
        "title": "A red bicycle",
        "price": None,
        "updated_at": replaced.json()["updated_at"],
    }
    assert_problem(gone, 404, code="item_not_found")


@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT"])
async def test_a_foreign_item_is_as_missing_as_one_that_never_was(
    client: AsyncClient, service: Service, make_user: MakeUser, method: str
) -> None:
    foreign = await store_item(service, (await make_user()).id, title="A secret")
    headers = bearer(await make_user())
    body = None if method == "GET" else {"title": "Mine now"}

    answers = [
        await client.request(method, f"/items/{item_id}", headers=headers, json=body) for item_id in (foreign, uuid4())
    ]

    assert_problem(answers[0], 404, code="item_not_found")
    assert answers[0].content == answers[1].content
    assert await _titles(service) == ["A secret"]


async def test_deletion_tells_a_user_nothing_about_which_items_there_are(
    client: AsyncClient, service: Service, make_user: MakeUser
) -> None:
    user = await make_user()
    own, foreign = await store_item(service, user.id), await store_item(service, (await make_user()).id)

    answers = [await client.delete(f"/items/{item_id}", headers=bearer(user)) for item_id in (own, foreign, uuid4())]

    assert_problem(answers[0], 403, code="permission_denied")
    assert len({answer.content for answer in answers}) == 1
    assert len(await _titles(service)) == 2


async def test_lists_show_a_user_their_own_and_an_administrator_everybodys(
    client: AsyncClient, service: Service, make_user: MakeUser, make_admin: MakeUser
) -> None:
    ann, bob, administrator = await make_user(), await make_user(), await make_admin()
    for owner, title in ((ann, "Ann's"), (bob, "Bob's"), (administrator, "Mine")):
        await service.make_item(owner, title=title)

    async def titles(query: str, headers: dict[str, str]) -> list[str]:
        return [item["title"] for item in (await client.get(f"/items{query}", headers=headers)).json()["data"]]

    assert await titles("", bearer(ann)) == ["Ann's"]
    assert await titles(f"?owner_id={ann.id}", bearer(ann)) == ["Ann's"]
    assert await titles(f"?owner_id={bob.id}", bearer(ann)) == []
    assert await titles("", bearer(administrator)) == ["Ann's", "Bob's", "Mine"]
    assert await titles(f"?owner_id={bob.id}", bearer(administrator)) == ["Bob's"]
    assert await titles(f"?owner_id={uuid4()}", bearer(administrator)) == []
    narrowed = await service.sign_in_again(administrator, scope="items:read")
    assert await titles("", bearer(narrowed)) == ["Mine"]


async def test_the_owner_comes_along_in_the_same_statement(
    client: AsyncClient, service: Service, make_user: MakeUser, make_admin: MakeUser
) -> None:
    owner, administrator = await make_user(full_name="Ann"), await make_admin()
    item = await service.make_item(owner)
    account = (await client.get("/users/me", headers=bearer(owner))).json()

    with watched_statements(service) as statements:
        one = await client.get(f"/items/{item['id']}?include=owner", headers=bearer(administrator))

    assert one.json() == {**item, "owner": account}
    assert len(statements) == BEHIND_THE_GATE


async def test_a_list_with_owners_takes_no_more_statements_than_one_without(
    client: AsyncClient, service: Service, make_user: MakeUser, make_admin: MakeUser
) -> None:
    owners, administrator = [await make_user() for _ in range(3)], await make_admin()
    for owner in owners * 2:
        await service.make_item(owner)

    with watched_statements(service) as statements:
        with_owners = await client.get("/items?include=owner", headers=bearer(administrator))
    without = await client.get("/items", headers=bearer(administrator))

    assert [item["owner"]["id"] for item in with_owners.json()["data"]] == [str(owner.id) for owner in owners * 2]
    assert len(statements) == BEHIND_THE_GATE
    assert all("owner" not in item for item in without.json()["data"])


@pytest.mark.parametrize("query", ["include=password", "include=owner,items", "include=", "owner=1", "includes=owner"])
async def test_what_cannot_be_included_is_refused(
    client: AsyncClient, service: Service, make_user: MakeUser, query: str
) -> None:
    user = await make_user()
    item = await service.make_item(user)

    for path in (f"/items/{item['id']}?{query}", f"/items?{query}"):
        assert_problem(await client.get(path, headers=bearer(user)), 422, code="invalid_input")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"title": None}, id="no title"),
        pytest.param({"title": "  "}, id="an empty title"),
        pytest.param({"title": "x" * 201}, id="a long title"),
        pytest.param({"description": "x" * 10_001}, id="a long description"),
        pytest.param({"colour": "blue"}, id="a field that items do not have"),
    ],
)
async def test_what_no_item_can_have_is_refused(
    client: AsyncClient, service: Service, make_user: MakeUser, body: dict[str, Any]
) -> None:
    user = await make_user()
    item = await service.make_item(user)

    created = await client.post("/items", headers=bearer(user), json={"title": "A bell", **body})
    changed = await client.patch(f"/items/{item['id']}", headers=bearer(user), json=body)

    assert_problem(created, 422, code="invalid_input")
    assert_problem(changed, 422, code="invalid_input")
    assert await _titles(service) == [item["title"]]


async def test_items_go_with_their_owner(
    client: AsyncClient, service: Service, make_user: MakeUser, make_admin: MakeUser
) -> None:
    owner, administrator = await make_user(), await make_admin()
    await service.make_item(owner)
    await service.make_item(administrator, title="A bell")

    await client.delete(f"/users/{owner.id}", headers=bearer(administrator))

    assert await _titles(service) == ["A bell"]


async def test_an_item_created_while_its_owner_is_deleted_is_refused_or_goes_along(
    client: AsyncClient, service: Service, make_user: MakeUser, make_admin: MakeUser
) -> None:
    administrator = await make_admin()

    for _ in range(ROUNDS):
        owner = await make_user()
        *created, deleted = await asyncio.gather(
            *(client.post("/items", headers=bearer(owner), json={"title": "A bell"}) for _ in range(4)),
            client.delete(f"/users/{owner.id}", headers=bearer(administrator)),
        )

        assert deleted.status_code == 204
        assert {answer.json().get("code", "created") for answer in created} <= {
            "created",
            "owner_gone",
            "invalid_token",
        }
        assert await _titles(service) == []


async def test_an_item_of_an_owner_who_was_just_deleted_is_a_conflict(service: Service) -> None:
    gone = Principal(subject=uuid4(), is_superuser=False, scopes=frozenset(Scope), client_id=None)

    with pytest.raises(OwnerGoneError):
        async with service.runtime.unit_of_work(writing=True) as work:
            await work.items.create(gone, ItemCreate(title="A bell"))

    assert await _titles(service) == []


async def test_an_item_changed_while_it_is_deleted_is_missing(
    client: AsyncClient, service: Service, make_user: MakeUser, make_admin: MakeUser
) -> None:
    owner, administrator = await make_user(), await make_admin()

    for _ in range(ROUNDS):
        path = f"/items/{(await service.make_item(owner))['id']}"
        changed, *deleted = await asyncio.gather(
            client.patch(path, headers=bearer(owner), json={"title": "A bell"}),
            client.delete(path, headers=bearer(administrator)),
            client.delete(path, headers=bearer(administrator)),
        )

        assert changed.status_code in {200, 404}
        assert sorted(answer.status_code for answer in deleted) == [204, 404]


async def _titles(service: Service) -> list[str]:
    async with service.runtime.database.transaction(writing=False) as session:
        return list((await session.exec(select(Item.title).order_by(col(Item.created_at)))).all())
