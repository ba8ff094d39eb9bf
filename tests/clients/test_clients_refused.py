"""What cannot be a client, or the id of one: refused before anything is looked up or stored."""

from typing import Any

import pytest
from httpx import Response

from tests.support.service import Account, Service, assert_problem, bearer
from tests.support.snapshots import stored_rows


async def _send(service: Service, admin: Account, method: str, path: str, body: object = None) -> Response:
    return await service.client.request(method, f"/clients{path}", headers=bearer(admin), json=body)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"name": " "}, "invalid_input", id="no name"),
        pytest.param({"name": "x" * 201}, "invalid_input", id="a long name"),
        pytest.param({"name": "a\x1b[2Jb"}, "invalid_input", id="a name with a terminal code"),
        pytest.param({"name": "a\nb"}, "invalid_input", id="a name of two lines"),
        pytest.param({"name": None}, "invalid_input", id="null for a name"),
        pytest.param({"grants": ["authorization_code"]}, "invalid_input", id="an unknown grant"),
        pytest.param({"grants": ["password"] * 4}, "invalid_input", id="many grants"),
        pytest.param({"grants": "password"}, "invalid_input", id="a grant that is no list"),
        pytest.param({"grants": None}, "invalid_input", id="null for the grants"),
        pytest.param({"scopes": ["everything"]}, "invalid_input", id="an unknown scope"),
        pytest.param({"scopes": ["admin"] * 6}, "invalid_input", id="many scopes"),
        pytest.param({"audiences": [""]}, "invalid_input", id="an empty audience"),
        pytest.param({"audiences": ["a b"]}, "invalid_input", id="an audience with a space"),
        pytest.param({"audiences": ["a,b"]}, "invalid_input", id="two audiences in one"),
        pytest.param({"audiences": ["https://a.example#b"]}, "invalid_input", id="an audience with a fragment"),
        pytest.param({"audiences": ["https://ä.example"]}, "invalid_input", id="an audience that is no URI"),
        pytest.param({"audiences": ["a" * 501]}, "invalid_input", id="a long audience"),
        pytest.param({"audiences": [f"a{number}" for number in range(21)]}, "invalid_input", id="many audiences"),
        pytest.param(
            {"audiences": [f"{n}" * 401 for n in range(5)]}, "invalid_input", id="audiences of 2,005 characters"
        ),
        pytest.param({"own_audience": "a\nb"}, "invalid_input", id="an own audience of two lines"),
        pytest.param({"own_audience": ""}, "invalid_input", id="an empty own audience"),
        pytest.param({"client_secret": "chosen"}, "invalid_input", id="a chosen secret"),
        pytest.param({"client_id": "client_chosen"}, "invalid_input", id="a chosen id"),
        pytest.param({"grants": ["client_credentials"]}, "confidential_clients_only", id="tokens of its own"),
    ],
)
async def test_what_cannot_be_a_client_is_refused(service: Service, change: dict[str, Any], code: str) -> None:
    admin = await service.make_admin()
    client = await service.make_client(kind="public", grants=[])
    before = await stored_rows(service)

    created = await _send(service, admin, "POST", "", {"name": "Shop", "kind": "public", **change})
    changed = await _send(service, admin, "PATCH", f"/{client.client_id}", change)

    assert_problem(created, 422, code=code)
    assert_problem(changed, 422, code=code)
    assert await stored_rows(service) == before


@pytest.mark.parametrize("kind", [None, "native", "", ["public"]])
async def test_the_kind_is_given_at_the_start_and_never_changes(service: Service, kind: object) -> None:
    admin, client = await service.make_admin(), await service.make_client()

    created = await _send(service, admin, "POST", "", {"name": "Shop", "kind": kind})
    changed = await _send(service, admin, "PATCH", f"/{client.client_id}", {"kind": "public"})

    assert_problem(created, 422, code="invalid_input")
    assert_problem(changed, 422, code="invalid_input")


@pytest.mark.parametrize(
    "client_id", ["client_", "client_A", "client", "x", "client_%00", "client_a%0A", "client_%ED%A0%80", "c" * 8000]
)
async def test_what_cannot_be_an_id_is_refused_before_it_is_looked_up(service: Service, client_id: str) -> None:
    admin = await service.make_admin()

    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/secret")):
        refused = await _send(service, admin, method, f"/{client_id}{path}", {} if method == "PATCH" else None)

        assert_problem(refused, 422, code="invalid_input")
