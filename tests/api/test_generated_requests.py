"""Requests generated from the OpenAPI document, valid and not, in an administrator's name: it keeps its word."""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.databases import Databases
from tests.support.openapi import document
from tests.support.service import PASSWORD
from tests.support.serving import serving

# For a long look, by hand: GENERATED_EXAMPLES=500 ./run test tests/api/test_generated_requests.py
_EXAMPLES = os.environ.get("GENERATED_EXAMPLES")
_MOST = int(_EXAMPLES or 10)
_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
_numbers = itertools.count(1)


def _document() -> dict[str, Any]:
    """Return the document without the schema of the one answer that is no JSON: it would be read as JSON here."""
    described = document()
    described["paths"]["/oauth/revocations"]["get"]["responses"]["200"]["content"] = {"application/jwt": {}}
    return described


schema = schemathesis.openapi.from_dict(_document())
schema.config.phases.coverage.enabled = _EXAMPLES is not None  # forty more requests for each route


@dataclass(slots=True)
class Caller:
    """An administrator who may ruin their own account; one who is never touched makes a new one then."""

    client: httpx.Client
    keeper: str
    token: str = field(default="none", repr=False)
    user_id: str = ""

    def recover(self) -> None:
        """Be an administrator again, if the last request ended that."""
        mine = self.client.get("/users/me", headers=_bearer(self.token))
        if mine.status_code != 200 or not mine.json()["is_superuser"]:
            self._begin_anew()

    def known_id(self, name: str) -> str:
        if name == "user_id":
            return self.user_id
        if name == "client_id":
            body = {"name": "Orders", "kind": "confidential"}
            made = self.client.post("/clients", headers=_bearer(self.token), json=body)
            client_id: str = made.json()["client_id"]
            return client_id
        answer = self.client.post("/items", headers=_bearer(self.token), json={"title": "A blue bicycle"})
        item_id: str = answer.json()["id"]
        return item_id

    def _begin_anew(self) -> None:
        email = f"caller{next(_numbers)}@example.com"
        body = {"email": email, "password": PASSWORD, "is_superuser": True}
        self.user_id = self.client.post("/users", headers=_bearer(self.keeper), json=body).json()["id"]
        form = {"grant_type": "password", "username": email, "password": PASSWORD}
        self.token = self.client.post("/oauth/token", data=form).json()["access_token"]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _is_even(text: str) -> bool:
    """Decide by the example itself, so that it is decided alike when the example is tried again."""
    return crc32(text.encode()) % 2 == 0


@pytest.fixture(scope="module")
def caller(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    variables = {
        "AUTH_HASHING__ARGON2_MEMORY_KIB": "8",
        "AUTH_TOKENS__ACCESS_TOKEN_LIFETIME": "PT1H",
    }
    folder, url = tmp_path_factory.mktemp("generated"), databases.empty("postgresql")
    with serving(folder, database_url=url, **variables) as server:
        with httpx.Client(base_url=server.url) as client:
            caller = Caller(client, keeper=server.sign_in())
            caller.recover()
            yield caller
        assert "Traceback" not in server.log.read_text()


@schema.parametrize()
@settings(
    max_examples=int(_EXAMPLES or 20),
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_promises(caller: Caller, case: schemathesis.Case[Any]) -> None:
    known = {name: caller.known_id(name) for name, value in case.path_parameters.items() if _is_even(str(value))}
    case.path_parameters.update(known)

    case.call_and_validate(base_url=str(caller.client.base_url), headers=_bearer(caller.token), checks=_CHECKS)

    if case.method != "GET" and case.path.startswith("/users"):
        caller.recover()
