"""Text that no database can store, and secrets that no answer may repeat, in every field of every body and query."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from httpx import Response

from tests.support.openapi import FORM, JSON, Operation, operations, takes_text
from tests.support.paths import fill
from tests.support.service import PASSWORD, Account, Service, bearer
from tests.support.snapshots import stored_rows

SECRET = "Tr0ub4dor&3"
_UNSTORABLE = ['"\\u0000"', '"a\\ud800b"', '"\\udfff"']
_MISPLACED = [json.dumps([SECRET]), json.dumps({SECRET: SECRET}), json.dumps(SECRET * 1000)]
_SHAPELESS = [f'{{"{SECRET}": 1}}', f'{{"email": "{SECRET}', f'"{SECRET}"', f'["{SECRET}"]', SECRET]

_WITH_BODY = [pytest.param(one, id=str(one)) for one in operations() if one.body_schema(JSON) is not None]
_WITH_QUERY = [pytest.param(one, id=str(one)) for one in operations() if one.query_parameters()]
_WITH_FORM = [pytest.param(one, id=str(one)) for one in operations() if one.body_schema(FORM) is not None]


@pytest.mark.parametrize("operation", _WITH_BODY)
async def test_a_body_with_text_that_cannot_be_stored_is_refused(service: Service, operation: Operation) -> None:
    admin = await service.make_admin()
    path = await _path(service, operation, admin)
    before = await stored_rows(service)
    fields = [name for name, kind in _properties(operation, JSON).items() if takes_text(kind)]

    answers = [
        (name, await _send(service, operation, path, admin, _body(operation, name, text)))
        for name in fields
        for text in _UNSTORABLE
    ]

    assert [answer.status_code for _, answer in answers] == [422] * len(fields) * len(_UNSTORABLE)
    assert [_locations(answer) for _, answer in answers] == [[["body", name]] for name, _ in answers]
    assert await stored_rows(service) == before


@pytest.mark.parametrize("operation", _WITH_BODY)
async def test_a_refused_body_is_never_repeated(service: Service, operation: Operation) -> None:
    admin = await service.make_admin()
    path = await _path(service, operation, admin)
    before = await stored_rows(service)
    fields = _properties(operation, JSON)
    bodies = [_body(operation, name, text) for name in fields for text in _MISPLACED]

    answers = [await _send(service, operation, path, admin, body) for body in [*bodies, *_SHAPELESS]]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "invalid_input")}
    assert [answer.text for answer in answers if SECRET in answer.text] == []
    assert await stored_rows(service) == before


@pytest.mark.parametrize("operation", _WITH_QUERY)
async def test_a_query_that_cannot_be_right_is_refused_and_not_repeated(service: Service, operation: Operation) -> None:
    admin = await service.make_admin()
    path = await _path(service, operation, admin)
    names = operation.query_parameters()
    texts = [quote(f"{SECRET}\x00"), quote(SECRET * 400)]

    answers = [
        (name, await service.client.get(f"{path}?{name}={text}", headers=bearer(admin)))
        for name in names
        for text in texts
    ]

    if operation.path.startswith("/oauth/"):  # whose refusals say nothing more
        assert [answer.json()["error"] for _, answer in answers] == ["invalid_request"] * len(names) * len(texts)
    else:
        assert [answer.status_code for _, answer in answers] == [422] * len(names) * len(texts)
        assert [_locations(answer) for _, answer in answers] == [[["query", name]] for name, _ in answers]
    assert [answer.text for _, answer in answers if SECRET in answer.text] == []


@pytest.mark.parametrize("operation", _WITH_FORM)
async def test_a_form_with_text_that_cannot_be_stored_is_refused(service: Service, operation: Operation) -> None:
    user = await service.make_user()
    before = await stored_rows(service)
    names = list(_properties(operation, FORM))
    good = {"grant_type": "password", "username": user.email, "password": PASSWORD}

    answers = [await service.client.post(operation.path, data={**good, name: f"{SECRET}\x00"}) for name in names]

    refusal = {
        "error": "invalid_request",
        "error_description": "The request lacks a parameter, repeats one, or is not a form.",
    }
    assert [(answer.status_code, answer.json()) for answer in answers] == [(400, refusal)] * len(names)
    assert await stored_rows(service) == before


def _properties(operation: Operation, media_type: str) -> dict[str, Any]:
    properties: dict[str, Any] = (operation.body_schema(media_type) or {})["properties"]
    return properties


def _body(operation: Operation, field: str, text: str) -> str:
    """Return the documented example of a body, with one field replaced by JSON that is spelled exactly like this."""
    example = (operation.body_schema(JSON) or {})["examples"][0]
    members = {name: json.dumps(value) for name, value in example.items()} | {field: text}
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in members.items()) + "}"


async def _path(service: Service, operation: Operation, owner: Account) -> str:
    item = await service.make_item(owner)
    client_id = (await service.make_client()).client_id
    return fill(operation.path, user_id=owner.id, item_id=item["id"], client_id=client_id)


async def _send(service: Service, operation: Operation, path: str, account: Account, body: str) -> Response:
    headers = {**bearer(account), "Content-Type": JSON}
    return await service.client.request(operation.method, path, headers=headers, content=body.encode())


def _locations(answer: Response) -> list[list[str]]:
    return [error["location"] for error in answer.json()["errors"]]
