"""The OpenAPI document: complete, consistent, and its examples are what it says they are."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator, meta

from tests.support.openapi import FORM, JSON, Operation, document, operations

_EVERY_ROUTE = {"413", "414", "431", "500", "503"}
_OPERATIONS = [pytest.param(one, id=str(one)) for one in operations()]


def _validate(value: object, schema: dict[str, Any]) -> None:
    Draft202012Validator({**schema, "components": document()["components"]}).validate(value)


def _media(operation: Operation) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for status, response in operation.description["responses"].items():
        for media_type, media in response.get("content", {}).items():
            yield status, media_type, media


def _examples(media: dict[str, Any]) -> list[Any]:
    named = [example["value"] for example in media.get("examples", {}).values()]
    return [*named, *([media["example"]] if "example" in media else [])]


@pytest.mark.parametrize("operation", _OPERATIONS)
def test_every_operation_documents_what_any_route_can_answer(operation: Operation) -> None:
    statuses = set(operation.description["responses"])

    protected = {"401", "403"} if "security" in operation.description else set()
    found_by_id = {"404", "422"} if "{" in operation.path else set()
    with_body = {"400"} if "requestBody" in operation.description else set()
    assert _EVERY_ROUTE | protected | found_by_id | with_body <= statuses


def test_every_operation_that_takes_a_password_documents_that_it_may_be_tried_too_often() -> None:
    bodies = [(one, one.body_schema(JSON) or one.body_schema(FORM) or {}) for one in operations()]
    taking = {
        str(one): set(one.description["responses"])
        for one, body in bodies
        if {"password", "current_password"} & set(body.get("properties", {}))
    }

    assert {"POST /oauth/token", "POST /users/me/deactivate", "PUT /users/me/password"} <= set(taking)
    assert {route for route, statuses in taking.items() if "429" not in statuses} == set()


@pytest.mark.parametrize("operation", _OPERATIONS)
def test_every_refusal_has_a_form_and_examples_that_keep_it(operation: Operation) -> None:
    refusals = [(media_type, media) for status, media_type, media in _media(operation) if status >= "400"]

    expected = "application/json" if operation.path.startswith("/oauth/") else "application/problem+json"
    assert {media_type for media_type, _ in refusals} == {expected}
    assert all(_examples(media) for _, media in refusals)
    for _, media in refusals:
        for example in _examples(media):
            _validate(example, media["schema"])


@pytest.mark.parametrize("operation", _OPERATIONS)
def test_every_example_of_a_body_is_a_valid_body(operation: Operation) -> None:
    bodies = operation.description.get("requestBody", {}).get("content", {})

    for media_type in bodies:
        schema = operation.body_schema(media_type) or {}
        for example in schema.get("examples", []):
            _validate(example, schema)


def test_operation_ids_are_unique_and_everything_is_described() -> None:
    found = list(operations())

    assert len({one.description["operationId"] for one in found}) == len(found)
    assert all(one.description["summary"] and one.description["description"] for one in found)


def test_no_sentence_says_how_old_a_sign_in_may_be_for_that_is_a_setting() -> None:
    texts = [one.description["description"] for one in operations() if "sign-in" in one.description["description"]]

    assert [text for text in texts if re.search(r"\w+ (?:seconds|minutes|hours|days)\b", text)] == []
    assert len(texts) > 4


def test_the_document_is_whole() -> None:
    text = str(document())

    referred = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert document()["openapi"].startswith("3.1.")
    assert referred == set(document()["components"]["schemas"])
    assert "HTTPValidationError" not in text
    assert "servers" not in document()


@pytest.mark.parametrize("name", list(document()["components"]["schemas"]))
def test_every_schema_is_a_schema_and_its_examples_keep_it(name: str) -> None:
    schema = document()["components"]["schemas"][name]

    meta.validate(schema)
    for example in schema.get("examples", []):
        _validate(example, schema)
    for field in schema.get("properties", {}).values():
        for example in field.get("examples", []):
            _validate(example, field)
