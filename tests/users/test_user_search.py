"""How administrators find users: by the beginnings of words, and by filters."""

import itertools
from typing import Any
from urllib.parse import quote, urlencode

from httpx import AsyncClient

from tests.conftest import MakeUser
from tests.support.population import START, store_users
from tests.support.service import Account, Service, assert_problem, bearer

ANN = {"email": "Ann.Lee@Example.com", "username": "annie", "full_name": "Ann Marie Lee"}
ZOE = {"email": "zoë@bücher.example.org", "username": "z-99", "full_name": "Zoë Müller-Straße"}
PLAIN = {"email": "50%_off@shop.example.net", "username": "percent", "full_name": "100% _real_ \\ name"}
LIST = {"email": "list@groups.example.com", "username": "annals", "full_name": "Liste Ärzte"}
LI = {"email": "li@example.info", "full_name": "李小龙 🐉🐉"}
PEOPLE = (ANN, ZOE, PLAIN, LIST, LI)


FOUND: tuple[tuple[str, str, list[dict[str, Any]]], ...] = (
    ("a whole address", "ann.lee@example.com", [ANN]),
    ("the beginning of an address, in capitals", "ANN.LEE@EX", [ANN]),
    ("a domain", "example.com", [ANN]),
    ("a domain with its sign", "@example.com", [ANN]),
    ("the beginning of a domain", "groups.exa", [LIST]),
    ("a domain as it was written", "bücher", [ZOE]),
    ("a domain as an A-label", "xn--bcher", [ZOE]),
    ("an address without its accents", "zoe@bucher.example.org", [ZOE]),
    ("a username", "z-9", [ZOE]),
    ("a name and a username", "ann", [ANN, LIST]),
    ("a name in the middle", "marie", [ANN]),
    ("the last name", "LEE", [ANN]),
    ("a name without its accents", "muller", [ZOE]),
    ("a name with a combining accent", "MU\u0308LLER", [ZOE]),
    ("a sharp s in full", "müller-strasse", [ZOE]),
    ("two words", "ärzte list", [LIST]),
    ("two words of different kinds", "lee ann.l", [ANN]),
    ("a word too many", "ann lee list", []),
    ("the middle of a word", "nn", []),
    ("a name far beyond ASCII", "李", [LI]),
    ("a name beyond the first plane", "🐉", [LI]),
    ("a wildcard", "%", []),
    ("a percent sign", "50%", [PLAIN]),
    ("wildcards that would fit", "5_%", []),
    ("an underscore", "_real", [PLAIN]),
    ("a backslash", "\\", [PLAIN]),
    ("a statement", "'; DROP TABLE users; --", []),
    ("the last code point", "\U0010ffff", []),
    ("nothing", "", list(PEOPLE)),
    ("nothing but signs", "  @ ", list(PEOPLE)),
)


async def test_a_user_is_found_by_the_beginning_of_each_word(
    client: AsyncClient, service: Service, make_admin: MakeUser
) -> None:
    await store_users(service, *PEOPLE)
    administrator = await make_admin(email="root@admin.example.edu")

    found = {what: await _emails(client, administrator, q=search) for what, search, _ in FOUND}

    everybody = [administrator.email]
    assert found == {
        what: [user["email"] for user in users] + (everybody if users == list(PEOPLE) else [])
        for what, _, users in FOUND
    }


async def test_a_search_of_more_words_than_are_looked_for_is_refused(client: AsyncClient, make_admin: MakeUser) -> None:
    administrator = await make_admin()

    answer = await client.get("/users?q=a+b+c+d+e+f", headers=bearer(administrator))

    assert_problem(answer, 422, code="too_many_words")


async def test_what_a_user_is_found_by_follows_every_change(
    client: AsyncClient, service: Service, make_admin: MakeUser
) -> None:
    [ann] = await store_users(service, ANN)
    administrator = await make_admin()
    change = {"email": "kim@example.org", "username": "kimmy", "full_name": "Kim Park"}

    await client.patch(f"/users/{ann}", headers=bearer(administrator), json=change)

    for old in ("ann", "annie", "marie", "ann.lee@example.com"):
        assert await _emails(client, administrator, q=old) == []
    for new in ("kim@example.org", "kimmy", "park", "example.org"):
        assert await _emails(client, administrator, q=new) == ["kim@example.org"]
    await client.delete(f"/users/{ann}", headers=bearer(administrator))
    assert await _emails(client, administrator, q="kim") == []


FILTERS: tuple[tuple[str, str], ...] = (
    ("is_active", "true"),
    ("is_active", "false"),
    ("is_superuser", "true"),
    ("is_superuser", "false"),
    ("email_verified", "true"),
    ("email_verified", "false"),
    ("created_from", "2026-01-01T00:04:00Z"),
    ("created_before", "2026-01-01T00:04:00Z"),
    ("q", "even"),
)


async def test_each_filter_and_each_two_of_them_select_what_they_say(
    client: AsyncClient, service: Service, make_admin: MakeUser
) -> None:
    administrator = await make_admin(email="root@example.com")
    people = [_person(number) for number in range(16)]
    ids = await store_users(service, *people)
    accounts = (await client.get("/users?limit=100", headers=bearer(administrator))).json()["data"]
    assert {account["id"] for account in accounts} == {str(id_) for id_ in ids} | {str(administrator.id)}

    for two in itertools.combinations_with_replacement(FILTERS, 2):
        query = dict(two)
        expected = [account["email"] for account in accounts if all(_fits(account, item) for item in query.items())]

        assert await _emails(client, administrator, **query) == expected, query


IMPOSSIBLE: tuple[dict[str, str], ...] = (
    {"created_from": "2026-01-01"},
    {"created_from": "2026-01-01T00:00:00"},
    {"created_before": "yesterday"},
    {"created_from": "0001-01-01T00:00:00+23:00"},
    {"is_active": "perhaps"},
    {"is_active": ""},
    {"sort": "hashed_password"},
    {"sort": "created_at,email"},
    {"q": "x" * 201},
    {"q": "\x00"},
    {"hashed_password": "x"},
    {"limit": "0"},
    {"limit": "101"},
    {"limit": "-1"},
    {"limit": "ten"},
    {"limit": "1e1"},
    {"count": "perhaps"},
)


async def test_what_no_list_can_be_asked_for_is_refused(client: AsyncClient, make_admin: MakeUser) -> None:
    administrator = await make_admin()

    for query in IMPOSSIBLE:
        response = await client.get("/users", headers=bearer(administrator), params=query)

        assert_problem(response, 422, code="invalid_input")


async def test_moments_are_understood_in_every_time_zone(
    client: AsyncClient, service: Service, make_admin: MakeUser
) -> None:
    administrator = await make_admin()
    await store_users(service, {"email": "first@example.com"}, {"email": "second@example.com"})

    listed = await _emails(client, administrator, created_before="2026-01-01T01:00:30+01:00")

    assert listed == ["first@example.com"]


def _person(number: int) -> dict[str, Any]:
    """Return one of sixteen people: every combination of four properties."""
    return {
        "is_active": bool(number & 1),
        "is_superuser": bool(number & 2),
        "email_verified_at": None if number & 4 else START,
        "full_name": "Even" if number & 8 else "Odd",
    }


def _fits(account: dict[str, Any], condition: tuple[str, str]) -> bool:
    name, value = condition
    match name:
        case "q":
            return str(account["full_name"]).lower().startswith(value)
        case "created_from":
            return str(account["created_at"]) >= value
        case "created_before":
            return str(account["created_at"]) < value
        case "email_verified":
            return (account["email_verified_at"] is not None) is (value == "true")
        case _:
            return account[name] is (value == "true")


async def _emails(client: AsyncClient, administrator: Account, **query: str) -> list[str]:
    response = await client.get(f"/users?limit=100&{urlencode(query, quote_via=quote)}", headers=bearer(administrator))
    assert response.status_code == 200, response.text
    return [user["email"] for user in response.json()["data"]]
