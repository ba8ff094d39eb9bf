"""How administrators find users: by the beginnings of words, and by filters."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest
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


@pytest.mark.parametrize(
    ("search", "found"),
    [
        pytest.param("ann.lee@example.com", [ANN], id="a whole address"),
        pytest.param("ANN.LEE@EX", [ANN], id="the beginning of an address, in capitals"),
        pytest.param("example.com", [ANN], id="a domain"),
        pytest.param("@example.com", [ANN], id="a domain with its sign"),
        pytest.param("groups.exa", [LIST], id="the beginning of a domain"),
        pytest.param("bücher", [ZOE], id="a domain as it was written"),
        pytest.param("xn--bcher", [ZOE], id="a domain as an A-label"),
        pytest.param("zoe@bucher.example.org", [ZOE], id="an address without its accents"),
        pytest.param("z-9", [ZOE], id="a username"),
        pytest.param("ann", [ANN, LIST], id="a name and a username"),
        pytest.param("marie", [ANN], id="a name in the middle"),
        pytest.param("LEE", [ANN], id="the last name"),
        pytest.param("muller", [ZOE], id="a name without its accents"),
        pytest.param("MU\u0308LLER", [ZOE], id="a name with a combining accent"),
        pytest.param("müller-strasse", [ZOE], id="a sharp s in full"),
        pytest.param("ärzte list", [LIST], id="two words"),
        pytest.param("lee ann.l", [ANN], id="two words of different kinds"),
        pytest.param("ann lee list", [], id="a word too many"),
        pytest.param("nn", [], id="the middle of a word"),
        pytest.param("李", [LI], id="a name far beyond ASCII"),
        pytest.param("🐉", [LI], id="a name beyond the first plane"),
        pytest.param("%", [], id="a wildcard"),
        pytest.param("50%", [PLAIN], id="a percent sign"),
        pytest.param("5_%", [], id="wildcards that would fit"),
        pytest.param("_real", [PLAIN], id="an underscore"),
        pytest.param("\\", [PLAIN], id="a backslash"),
        pytest.param("'; DROP TABLE users; --", [], id="a statement"),
        pytest.param("\U0010ffff", [], id="the last code point"),
        pytest.param("", list(PEOPLE), id="nothing"),
        pytest.param("  @ ", list(PEOPLE), id="nothing but signs"),
    ],
)
async def test_a_user_is_found_by_the_beginning_of_each_word(
    client: AsyncClient, service: Service, make_admin: MakeUser, search: str, found: list[dict[str, Any]]
) -> None:
    await store_users(service, *PEOPLE)
    administrator = await make_admin(email="root@admin.example.edu", full_name="Root")

    listed = await _emails(client, administrator, q=search)

    assert [email for email in listed if email != administrator.email] == [user["email"] for user in found]


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

    for first in FILTERS:
        for second in FILTERS:
            query = {**dict([first]), **dict([second])}
            expected = [account["email"] for account in accounts if all(map(_fits, [account] * 2, query.items()))]

            assert await _emails(client, administrator, **query) == expected, query


@pytest.mark.parametrize(
    "query",
    [
        {"created_from": "2026-01-01"},
        {"created_from": "2026-01-01T00:00:00"},
        {"created_before": "yesterday"},
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
    ],
    ids=urlencode,
)
async def test_what_no_list_can_be_asked_for(client: AsyncClient, make_admin: MakeUser, query: dict[str, str]) -> None:
    administrator = await make_admin()

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
