"""Pages: every row once, in order, whatever is added meanwhile; a cursor is good for the list it comes from only."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from tests.conftest import MakeUser
from tests.support.population import START, store_item, store_users
from tests.support.service import Account, Service, bearer

PEOPLE = 56  # and the administrator
SORTS = ("created_at", "-created_at", "email", "-email")


@pytest.mark.parametrize("sort", SORTS)
async def test_walking_all_pages_meets_each_user_once_in_order(
    client: AsyncClient, service: Service, make_admin: MakeUser, sort: str
) -> None:
    administrator = await make_admin(email="m@example.com")
    await store_users(service, *(_tied(number) for number in range(PEOPLE)))

    pages = await _walk(client, administrator, "/users", sort=sort, limit="10")

    users = [user for page in pages for user in page["data"]]
    assert [len(page["data"]) for page in pages] == [10, 10, 10, 10, 10, 7]
    assert len({user["id"] for user in users}) == PEOPLE + 1
    assert users == sorted(users, key=_order(sort), reverse=sort.startswith("-"))


@pytest.mark.parametrize("sort", SORTS)
async def test_users_who_come_and_go_meanwhile_move_nobody_else(
    client: AsyncClient, service: Service, make_admin: MakeUser, sort: str
) -> None:
    administrator = await make_admin(email="m@example.com")
    ids = await store_users(service, *(_tied(number) for number in range(25)))
    here_from_the_start = {str(id_) for id_ in ids} | {str(administrator.id)}

    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"sort": sort, "limit": "4"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/users", headers=bearer(administrator), params=query)).json()
        seen += [user["id"] for user in page["data"]]
        cursor = page["next_cursor"]
        if len(seen) < 20:  # the walk comes to an end
            await _add_at_both_ends(service, len(seen))
        if len(seen) == 8:  # the row that the cursor stands on goes away
            await client.delete(f"/users/{seen[-1]}", headers=bearer(administrator))

    assert len(seen) == len(set(seen))
    assert here_from_the_start <= set(seen)


async def test_an_exact_last_page_has_no_next_one(client: AsyncClient, service: Service, make_admin: MakeUser) -> None:
    administrator = await make_admin()
    await store_users(service, *({} for _ in range(9)))

    pages = await _walk(client, administrator, "/users", limit="5")

    assert [len(page["data"]) for page in pages] == [5, 5]


async def test_rows_are_counted_only_when_that_is_asked_for(
    client: AsyncClient, service: Service, make_admin: MakeUser
) -> None:
    administrator = await make_admin()
    await store_users(service, *({"is_active": number < 5} for number in range(7)))
    headers = bearer(administrator)

    uncounted = (await client.get("/users", headers=headers)).json()
    counted = (await client.get("/users?count=true&limit=2", headers=headers)).json()
    filtered = (await client.get("/users?count=true&limit=2&is_active=false", headers=headers)).json()
    owned = (await client.get("/items?count=true&include=owner", headers=headers)).json()

    assert set(uncounted) == {"data", "next_cursor"}
    assert (counted["count"], len(counted["data"]), filtered["count"], owned["count"]) == (8, 2, 2, 0)


@pytest.mark.parametrize("sort", ["created_at", "-created_at"])
async def test_walking_items_meets_each_of_ones_own_once(
    client: AsyncClient, service: Service, make_user: MakeUser, sort: str
) -> None:
    ann, bob = await make_user(), await make_user()
    for number in range(12):
        moment = START + timedelta(minutes=number // 4)
        await store_item(service, ann.id, created_at=moment, title=str(number))
        await store_item(service, bob.id, created_at=moment)

    pages = await _walk(client, ann, "/items", sort=sort, limit="5")

    items = [item for page in pages for item in page["data"]]
    assert {item["title"] for item in items} == {str(number) for number in range(12)}
    assert items == sorted(items, key=_order(sort), reverse=sort.startswith("-"))


def _tied(number: int) -> dict[str, Any]:
    """Return a person of whom five were created at the same moment, with an address of an order of its own."""
    letter = "zyxCba"[number % 6]
    return {"created_at": START + timedelta(minutes=number // 5), "email": f"{letter}{number}@example.com"}


def _order(sort: str) -> Any:
    if sort.endswith("email"):
        return lambda user: user["email"].lower()
    return lambda row: (row["created_at"], row["id"])


async def _add_at_both_ends(service: Service, number: int) -> None:
    early = {"email": f"0early{number}@example.com", "created_at": START - timedelta(days=1)}
    late = {"email": f"zzlate{number}@example.com", "created_at": START + timedelta(days=999)}
    await store_users(service, early, late)


async def _walk(client: AsyncClient, caller: Account, path: str, **query: str) -> list[dict[str, Any]]:
    """Return every page."""
    pages = [(await client.get(path, headers=bearer(caller), params=query)).json()]
    while pages[-1]["next_cursor"] is not None:
        params = {**query, "cursor": pages[-1]["next_cursor"]}
        pages.append((await client.get(path, headers=bearer(caller), params=params)).json())
    return pages
