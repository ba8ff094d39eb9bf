"""What a list cannot look for by an index it looks for in so many rows at most: nothing is lost, nothing is slow."""

from typing import Any

import pytest
from httpx import AsyncClient

from auth_service.db import keyset
from auth_service.users import search
from tests.conftest import MakeUser
from tests.support.population import store_users
from tests.support.service import Account, Service, assert_problem, bearer

PEOPLE = 60
QUERIES: tuple[dict[str, str], ...] = (
    {"q": "even"},
    {"q": "even third"},
    {"q": "even third", "is_active": "false"},
    {"q": "odd even"},
    {"sort": "email", "is_active": "false"},
    {"sort": "-email", "email_verified": "false", "is_superuser": "false"},
    {"sort": "email", "created_from": "2026-01-01T00:10:00Z", "created_before": "2026-01-01T00:50:00Z"},
    {"sort": "-email", "created_before": "2026-01-01T00:30:00Z", "q": "even"},
)


def _person(number: int) -> dict[str, Any]:
    words = ["Even" if number % 2 == 0 else "Odd", *(["Third"] if number % 3 == 0 else [])]
    return {
        "full_name": " ".join(words),
        "email": f"p{number * 7 % PEOPLE:02}@example.com",
        "is_active": number % 5 > 0,
    }


@pytest.mark.parametrize("sorted_at_most", [0, 15, 1000])
@pytest.mark.parametrize("query", QUERIES, ids=str)
async def test_walking_a_list_that_is_looked_through_in_parts_meets_everybody_once(
    service: Service,
    make_admin: MakeUser,
    monkeypatch: pytest.MonkeyPatch,
    query: dict[str, str],
    sorted_at_most: int,
) -> None:
    administrator = await make_admin()
    await store_users(service, *(_person(number) for number in range(PEOPLE)))
    everybody = {**query, "limit": "100"}
    whole = (await service.client.get("/users", headers=bearer(administrator), params=everybody)).json()
    monkeypatch.setattr(keyset, "MAX_WALKED", 7)
    monkeypatch.setattr(search, "MAX_SORTED", sorted_at_most)
    monkeypatch.setattr(search, "MAX_SORTED_BY_ADDRESS", sorted_at_most)

    pages = await _walk(service.client, administrator, "/users", {**query, "limit": "3"})

    assert [user for page in pages for user in page["data"]] == whole["data"]
    assert max(len(page["data"]) for page in pages) <= 3


async def test_a_page_may_be_empty_and_still_say_where_to_go_on(
    client: AsyncClient, service: Service, make_admin: MakeUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    administrator = await make_admin()
    await store_users(service, *(_person(number) for number in range(PEOPLE)))
    monkeypatch.setattr(keyset, "MAX_WALKED", 20)
    monkeypatch.setattr(search, "MAX_SORTED", 10)
    monkeypatch.setattr(search, "MAX_SORTED_BY_ADDRESS", 10)

    pages = await _walk(client, administrator, "/users", {"q": "odd even"})

    assert [page["data"] for page in pages] == [[], [], [], []]
    assert [page["next_cursor"] is None for page in pages] == [False, False, False, True]


async def test_audit_events_that_meet_two_conditions_are_all_met_in_parts(
    client: AsyncClient, service: Service, make_admin: MakeUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    administrator = await make_admin()
    for wrong in (True, False, True, True, False, False):
        await service.sign_in(administrator.email, *(["not this one"] if wrong else []))
    monkeypatch.setattr(keyset, "MAX_WALKED", 2)

    failed = {"event": "sign_in", "outcome": "failure", "limit": "1"}
    pages = await _walk(client, administrator, "/audit-events", failed)
    done = await _walk(client, administrator, "/audit-events", {"event": "sign_in", "outcome": "success"})

    assert [event["outcome"] for page in pages for event in page["data"]] == ["failure"] * 3
    assert [event["outcome"] for page in done for event in page["data"]] == ["success"] * 4


async def test_a_count_is_exact_up_to_its_limit_and_says_when_it_is_not(
    client: AsyncClient, service: Service, make_admin: MakeUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    administrator = await make_admin()
    await store_users(service, *(_person(number) for number in range(PEOPLE)))

    found = {}
    for limit in (PEOPLE, PEOPLE + 1):
        monkeypatch.setattr(keyset, "MAX_COUNTED", limit)
        answer = await client.get("/users?count=true&limit=1", headers=bearer(administrator))
        found[limit] = (answer.json()["count"], answer.json()["count_is_exact"])

    assert found == {PEOPLE: (PEOPLE, False), PEOPLE + 1: (PEOPLE + 1, True)}


async def test_a_count_of_what_is_looked_through_is_what_was_met_so_far(
    client: AsyncClient, service: Service, make_admin: MakeUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    administrator = await make_admin()
    await store_users(service, *(_person(number) for number in range(PEOPLE)))
    monkeypatch.setattr(search, "MAX_SORTED", 10)
    monkeypatch.setattr(search, "MAX_SORTED_BY_ADDRESS", 10)

    found = []
    for walked in (20, 1000):
        monkeypatch.setattr(keyset, "MAX_WALKED", walked)
        page = (await client.get("/users?q=even&count=true&limit=1", headers=bearer(administrator))).json()
        found.append((page["count"], page["count_is_exact"]))

    assert found == [(10, False), (30, True)]


async def test_a_cursor_of_another_order_is_refused_by_a_list_that_is_looked_through(
    client: AsyncClient, service: Service, make_admin: MakeUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    administrator = await make_admin()
    await store_users(service, *(_person(number) for number in range(PEOPLE)))
    monkeypatch.setattr(search, "MAX_SORTED", 1)
    monkeypatch.setattr(search, "MAX_SORTED_BY_ADDRESS", 1)
    first = (await client.get("/users?q=even&limit=2", headers=bearer(administrator))).json()

    query = {"q": "even", "limit": "2", "sort": "email", "cursor": first["next_cursor"]}
    answer = await client.get("/users", headers=bearer(administrator), params=query)

    assert_problem(answer, 400, code="invalid_cursor")


async def _walk(client: AsyncClient, caller: Account, path: str, query: dict[str, str]) -> list[dict[str, Any]]:
    """Return every page; fail when the list does not come to an end."""
    pages = [(await client.get(path, headers=bearer(caller), params=query)).json()]
    while pages[-1]["next_cursor"] is not None:
        assert len(pages) < 100
        params = {**query, "cursor": pages[-1]["next_cursor"]}
        pages.append((await client.get(path, headers=bearer(caller), params=params)).json())
    return pages
