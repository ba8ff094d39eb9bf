"""Cursors: good for the query that they come from, under a master key that is still known, and for nothing else."""

from collections.abc import Awaitable, Callable

import pytest
from httpx import Response

from tests.support.service import Account, Service, assert_problem, bearer, running_service
from tests.support.settings import make_settings, new_master_key

Alter = Callable[[str], str]


async def _first_cursor(service: Service, reader: Account, query: str) -> str:
    answer = await service.client.get(query, headers=bearer(reader))
    cursor: str = answer.json()["next_cursor"]
    return cursor


async def _two_items_and_their_admin(service: Service) -> Account:
    admin = await service.make_admin()
    await service.make_item(admin)
    await service.make_item(admin)
    await service.make_user()
    return admin


@pytest.mark.parametrize(
    "alter",
    [
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda _: "garbage", id="garbage"),
        pytest.param(lambda _: "A" * 2048, id="as-long-as-it-may-be"),
        pytest.param(lambda _: "%C3%A9", id="not-ascii"),
        pytest.param(lambda _: "eyJpZCI6MX0", id="plain-json"),
        pytest.param(lambda cursor: cursor[:-1], id="without-its-last-character"),
        pytest.param(lambda cursor: cursor[:16], id="without-most-of-it"),
        pytest.param(lambda cursor: cursor[1:], id="without-its-first-character"),
        pytest.param(lambda cursor: cursor[:20] + ("A" if cursor[20] != "A" else "B") + cursor[21:], id="one-changed"),
        pytest.param(lambda cursor: cursor * 2, id="twice"),
    ],
)
async def test_a_cursor_that_was_changed_is_refused(service: Service, alter: Alter) -> None:
    admin = await _two_items_and_their_admin(service)
    cursor = await _first_cursor(service, admin, "/items?limit=1")

    answer = await service.client.get(f"/items?limit=1&cursor={alter(cursor)}", headers=bearer(admin))

    assert_problem(answer, 400, code="invalid_cursor")


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("/items?limit=1&sort=-created_at", id="another-order"),
        pytest.param("/items?limit=1&owner_id=00000000-0000-0000-0000-000000000000", id="another-filter"),
        pytest.param("/items?limit=1&include=owner", id="another-shape"),
        pytest.param("/users?limit=1", id="another-list"),
    ],
)
async def test_a_cursor_of_another_query_is_refused(service: Service, query: str) -> None:
    admin = await _two_items_and_their_admin(service)
    cursor = await _first_cursor(service, admin, "/items?limit=1")

    answer = await service.client.get(f"{query}&cursor={cursor}", headers=bearer(admin))

    assert_problem(answer, 400, code="invalid_cursor")


async def test_a_cursor_stays_good_when_only_the_page_size_and_the_count_change(service: Service) -> None:
    admin = await _two_items_and_their_admin(service)
    cursor = await _first_cursor(service, admin, "/items?limit=1")

    answer = await service.client.get(f"/items?limit=50&count=true&cursor={cursor}", headers=bearer(admin))

    assert answer.status_code == 200
    assert (len(answer.json()["data"]), answer.json()["count"]) == (1, 2)


async def test_a_cursor_says_nothing_about_the_row_that_it_stands_behind(service: Service) -> None:
    admin = await _two_items_and_their_admin(service)

    first = await _first_cursor(service, admin, "/users?limit=1&sort=email")
    second = await _first_cursor(service, admin, "/users?limit=1&sort=email")

    assert first != second
    assert "example" not in first


async def _page_after_a_change_of_keys(database: str, before: str, after: str) -> Response:
    """Make a cursor under the keys `before`, and ask with it under the keys `after`."""

    async def ask(keys: str, use: Callable[[Service, Account], Awaitable[Response]]) -> Response:
        async with running_service(make_settings(database, security={"master_keys": keys})) as service:
            return await use(service, await service.make_admin())

    async def make(service: Service, admin: Account) -> Response:
        await service.make_item(admin)
        await service.make_item(admin)
        return await service.client.get("/items?limit=1", headers=bearer(admin))

    made = await ask(before, make)
    path = f"/items?limit=1&cursor={made.json()['next_cursor']}"
    return await ask(after, lambda service, admin: service.client.get(path, headers=bearer(admin)))


async def test_a_cursor_under_the_second_master_key_is_still_good(migrated_database: str) -> None:
    old, new = new_master_key(), new_master_key()

    answer = await _page_after_a_change_of_keys(migrated_database, before=old, after=f"{new},{old}")

    assert answer.status_code == 200
    assert len(answer.json()["data"]) == 1


async def test_a_cursor_under_a_dropped_master_key_is_refused(migrated_database: str) -> None:
    old, new, signing = new_master_key(), new_master_key(), new_master_key()

    # The signing key stays readable: it was stored under the key that both lists keep.
    await _page_after_a_change_of_keys(migrated_database, before=signing, after=signing)
    answer = await _page_after_a_change_of_keys(migrated_database, before=f"{old},{signing}", after=f"{new},{signing}")

    assert_problem(answer, 400, code="invalid_cursor")
