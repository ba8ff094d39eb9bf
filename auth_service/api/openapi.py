"""What the OpenAPI document says about refusals: one line per route, with an example of each body."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from auth_service.api.errors import AmbiguousCredentialError, MissingCredentialError
from auth_service.api.problems import INTERNAL_ERROR_DETAIL, PROBLEM_TYPE, oauth_code, status_of
from auth_service.authz.errors import AccessDeniedError
from auth_service.db.errors import DatabaseUnavailableError
from auth_service.errors import ServiceError, TooManyAttemptsError
from auth_service.users.errors import EmailTakenError, UserNotFoundError

Responses = dict[int | str, dict[str, Any]]


class FieldProblem(BaseModel):
    """One thing that is wrong with the input."""

    location: list[str | int] = Field(examples=[["body", "email"]])
    code: str = Field(examples=["value_error"])
    message: str = Field(examples=["is not an e-mail address that mail can be sent to"])


class Problem(BaseModel):
    """A refusal (RFC 9457)."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Not Found"], description="The status in words.")
    status: int = Field(examples=[404])
    detail: str = Field(description="A sentence for people.")
    code: str = Field(description="For programs; it does not change.")
    errors: list[FieldProblem] | None = Field(default=None, description="With 422: what is wrong with which field.")


class OAuthProblem(BaseModel):
    """A refusal of the OAuth endpoints (RFC 6749 section 5.2)."""

    error: str = Field(examples=["invalid_grant"])
    error_description: str
    mfa_token: str | None = Field(default=None, description="With `mfa_required`: what the second factor is sent with.")
    expires_in: int | None = Field(default=None, description="With `mfa_required`: for how many seconds.")


_REFUSALS: Mapping[int, type[ServiceError]] = {
    400: AmbiguousCredentialError,
    401: MissingCredentialError,
    403: AccessDeniedError,
    404: UserNotFoundError,
    409: EmailTakenError,
    503: DatabaseUnavailableError,
}
_EXAMPLES: Mapping[int, tuple[str, str]] = {
    **{status: (refusal.code, refusal.detail) for status, refusal in _REFUSALS.items()},
    413: ("body_too_large", "A request body may have 65536 bytes."),
    414: ("uri_too_long", "A URL may have 8192 bytes."),
    422: ("invalid_input", "body.email: is not an e-mail address that mail can be sent to"),
    429: (TooManyAttemptsError.code, TooManyAttemptsError.detail),
    431: ("headers_too_large", "All headers together may have 32768 bytes."),
    500: ("internal_error", INTERNAL_ERROR_DETAIL),
}
ANY_ROUTE = (413, 414, 431, 500, 503)
_ANY_OAUTH_ROUTE: Mapping[int, tuple[str, str]] = {
    **{status: ("invalid_request", _EXAMPLES[status][1]) for status in (413, 414, 431)},
    500: ("server_error", INTERNAL_ERROR_DETAIL),
    503: ("temporarily_unavailable", DatabaseUnavailableError.detail),
}
_FRAMEWORK_SCHEMAS = ("HTTPValidationError", "ValidationError")


def problems(*refusals: int | type[ServiceError]) -> Responses:
    """Document these refusals, and those that any route can answer with.

    A status has an example of its own; a refusal stands for its status and is the example.
    """
    examples = {
        status: _EXAMPLES[status] for status in (*ANY_ROUTE, *(one for one in refusals if isinstance(one, int)))
    }
    for refusal in refusals:
        if not isinstance(refusal, int):
            examples[status_of(refusal)] = (refusal.code, refusal.detail)
    return {status: _problem_response(status, *examples[status]) for status in sorted(examples)}


def oauth_problems(*refusals: type[ServiceError]) -> Responses:
    """Document these refusals of an OAuth endpoint, and those that any of them can answer with."""
    examples: dict[int, dict[str, str]] = {status: dict([example]) for status, example in _ANY_OAUTH_ROUTE.items()}
    for refusal in refusals:
        status = status_of(refusal)
        examples.setdefault(status, {})[oauth_code(status, refusal.code)] = refusal.detail
    return {
        status: {
            "model": OAuthProblem,
            "description": HTTPStatus(status).phrase,
            "content": {
                "application/json": {
                    "examples": {
                        error: {"value": {"error": error, "error_description": text}} for error, text in errors.items()
                    }
                }
            },
        }
        for status, errors in sorted(examples.items())
    }


def _problem_response(status: int, code: str, detail: str) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    example = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": title, "content": {PROBLEM_TYPE: {"schema": schema, "example": example}}}


def install_openapi(app: FastAPI) -> None:
    """Add the problem schemas to the document, and drop the framework's own shape of a 422."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        document = build()
        schemas = document["components"]["schemas"]
        if Problem.__name__ not in schemas:
            _, definitions = models_json_schema(
                [(Problem, "serialization")], ref_template="#/components/schemas/{model}"
            )
            schemas.update(definitions["$defs"])
            for name in _FRAMEWORK_SCHEMAS:
                schemas.pop(name, None)
            for responses in _responses_of(document):
                if _FRAMEWORK_SCHEMAS[0] in str(responses.get("422")):
                    del responses["422"]
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _responses_of(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in document["paths"].values():
        for operation in operations.values():
            yield operation["responses"]
