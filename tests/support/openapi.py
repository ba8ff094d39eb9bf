"""What the service's OpenAPI document says, for tests that have to cover every route of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from auth_service.app import create_app
from tests.support.settings import make_settings

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Operation:
    """A method on a path."""

    method: str
    path: str
    description: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def body_schema(self, media_type: str) -> dict[str, Any] | None:
        content = self.description.get("requestBody", {}).get("content", {})
        return resolve(content[media_type]["schema"]) if media_type in content else None

    def query_parameters(self) -> list[str]:
        return [one["name"] for one in self.description.get("parameters", []) if one["in"] == "query"]


@cache
def document() -> dict[str, Any]:
    return create_app(make_settings("sqlite:///never-opened.db")).openapi()


def operations() -> Iterator[Operation]:
    for path, methods in document()["paths"].items():
        for method, description in methods.items():
            yield Operation(method.upper(), path, description)


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that a reference stands for."""
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def takes_text(schema: dict[str, Any]) -> bool:
    kinds = [schema, *schema.get("anyOf", [])]
    return any(kind.get("type") == "string" for kind in kinds)
