"""What is asked of a server, and what its answer must have."""

import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

import httpx

from benchmarks.peers.errors import WrongAnswerError

_PATIENCE_SECONDS = 60.0
_TLS = ssl.create_default_context()  # never used, but made anew for each request if none is given


class Door(StrEnum):
    """What can be asked of a server."""

    ME = "GET /users/me"
    ITEM = "GET /items/{id}"
    CREATE = "create an item"
    UPDATE = "update an item"
    SIGN_IN = "sign in"
    REFRESH = "refresh"
    JWKS = "JWKS"
    METADATA = "discovery"


@dataclass(frozen=True, slots=True)
class Request:
    """A request, and the fields that the JSON of its answer must have.

    With `chain`, that field of the answer takes the place of the one of the same name in `form` next time.
    """

    method: str
    path: str
    fields: Sequence[str]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    form: Mapping[str, str] | None = None
    chain: str | None = None

    def planned(self) -> dict[str, Any]:
        """Return it as the load generator takes it."""
        planned = {"method": self.method, "path": self.path, "headers": dict(self.headers)}
        return planned if self.body is None else {**planned, "body": self.body}

    def send(self, url: str) -> httpx.Response:
        """Send it once. Raises WrongAnswerError unless the answer is 2xx and has the fields."""
        answer = httpx.request(
            self.method,
            url + self.path,
            headers=dict(self.headers),
            content=self.body,
            timeout=_PATIENCE_SECONDS,
            verify=_TLS,
        )
        shape = answer.json() if answer.is_success else {}
        if not isinstance(shape, dict) or not {*self.fields} <= {*shape}:
            raise WrongAnswerError(f"{self.method} {url}{self.path}: {answer.status_code} {answer.text[:500]}")
        return answer


def get(path: str, fields: Sequence[str], headers: Mapping[str, str] | None = None) -> Request:
    """Return a request that reads."""
    return Request("GET", path, fields, headers or {})


def send_json(
    method: str, path: str, content: Mapping[str, object], fields: Sequence[str], headers: Mapping[str, str]
) -> Request:
    """Return a request with a JSON body."""
    return Request(method, path, fields, {"Content-Type": "application/json", **headers}, json.dumps(content))


def post_form(path: str, form: Mapping[str, str], fields: Sequence[str], *, chain: str | None = None) -> Request:
    """Return a request with a form."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request("POST", path, fields, headers, urlencode(form), form, chain)
