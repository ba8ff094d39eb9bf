"""Turns every refusal into an answer: problem+json (RFC 9457), OAuth JSON (RFC 6749 section 5.2), bearer challenges."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from auth_service.accounts.errors import ReauthenticationRequiredError
from auth_service.api.errors import AmbiguousCredentialError, MissingCredentialError
from auth_service.authz.errors import AccessDeniedError, InsufficientScopeError
from auth_service.db.keyset import InvalidPositionError
from auth_service.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    ServiceError,
    TooManyAttemptsError,
    UnauthenticatedError,
    UnavailableError,
)
from auth_service.oauth.errors import InvalidClientError, InvalidRequestError, OAuthError

INTERNAL_ERROR_DETAIL = "Something went wrong on our side. It was written to the log under this answer's X-Request-ID."
OAUTH_PATHS = "/oauth/"
PROBLEM_TYPE = "application/problem+json"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_REALM = 'realm="auth-service"'
_SENTENCES = {
    "uuid_parsing": "Input should be a valid UUID",
    "model_attributes_type": "send a JSON object, with Content-Type: application/json",
    "bool_parsing": "say true or false",
}
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_MOST_ERRORS = 20  # a small body can be wrong in ten thousand ways; its answer stays small
_CODES: Mapping[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: InvalidRequestError.code,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
}

_STATUSES: Mapping[type[ServiceError], HTTPStatus] = {
    AmbiguousCredentialError: HTTPStatus.BAD_REQUEST,
    InvalidPositionError: HTTPStatus.BAD_REQUEST,
    InvalidClientError: HTTPStatus.UNAUTHORIZED,
    OAuthError: HTTPStatus.BAD_REQUEST,
    InvalidInputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    PermissionDeniedError: HTTPStatus.FORBIDDEN,
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    TooManyAttemptsError: HTTPStatus.TOO_MANY_REQUESTS,
    UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}


log = structlog.get_logger()


def describe_request(scope: Scope) -> dict[str, str | None]:
    """Return what a log line says of a request: by its id it is found again in the answer and in the audit.

    The route stands for the path and the query, because people put tokens into both by mistake.
    """
    route = scope.get("route")
    return {
        "method": scope["method"],
        "route": None if route is None else route.path,
        "request_id": scope["state"]["request_id"],
    }


def install_error_handlers(app: FastAPI) -> None:
    """Make these renderings the only ones."""
    app.add_exception_handler(ServiceError, _render_service_error)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _render_validation_error)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _render_http_exception)  # type: ignore[arg-type]


def problem(
    status: HTTPStatus, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: object
) -> Response:
    """Return a problem document; `code` is for programs and stable, `detail` is a sentence for people."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, "code": code}
    return JSONResponse({**body, **members}, status, dict(headers or {}), media_type=PROBLEM_TYPE)


def refusal(
    scope: Scope,
    status: HTTPStatus,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> Response:
    """Return a refusal in the form that the clients of this path know.

    The path is the scope's: `request.url` is put together from the Host header, which is a stranger's text.
    """
    if not scope["path"].startswith(OAUTH_PATHS):
        return problem(status, code, detail, headers=headers)
    body = {"error": oauth_code(status, code), "error_description": detail, **members}
    return JSONResponse(body, status, {**NO_STORE, **(headers or {})})


def internal_error(scope: Scope) -> Response:
    """Return what a caller gets for a fault of ours: nothing to puzzle over."""
    return refusal(scope, HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", INTERNAL_ERROR_DETAIL)


def oauth_code(status: HTTPStatus, code: str) -> str:
    """Name it as RFC 6749 sections 4.1.2.1 and 5.2 do."""
    match status:
        case HTTPStatus.BAD_REQUEST | HTTPStatus.UNAUTHORIZED:
            return code
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return "temporarily_unavailable"
        case HTTPStatus.TOO_MANY_REQUESTS:  # as RFC 8628 section 3.5 does for whoever asks too often
            return "slow_down"
        case HTTPStatus.INTERNAL_SERVER_ERROR:
            return "server_error"
        case _:
            return InvalidRequestError.code


def status_of(refusal: type[ServiceError]) -> HTTPStatus:
    """Return the status that a refusal is answered with."""
    return next(_STATUSES[category] for category in refusal.__mro__ if category in _STATUSES)


async def _render_service_error(request: Request, error: ServiceError) -> Response:
    if isinstance(error, UnavailableError):
        request.app.state.request_meter.outages[error.code] += 1
        cause = str(getattr(error.__cause__, "orig", None) or error.__cause__ or "").partition("\n")[0]
        log.warning("request.unavailable", code=error.code, cause=cause, **describe_request(request.scope))
    members = error.members if isinstance(error, OAuthError) else {}
    return refusal(request.scope, status_of(type(error)), error.code, error.detail, _headers(error), **members)


def _headers(error: ServiceError) -> dict[str, str]:
    if isinstance(error, TooManyAttemptsError | UnavailableError):
        return {"Retry-After": str(error.retry_after)}
    challenge = _challenge(error)
    return {"WWW-Authenticate": challenge} if challenge else {}


def _challenge(error: ServiceError) -> str | None:
    """Return the challenge that a refusal has, if any (RFC 6749 section 5.2, RFC 6750 section 3, RFC 9470)."""
    bearer = f"Bearer {_REALM}"
    match error:
        case InvalidClientError():
            return f'Basic {_REALM}, charset="UTF-8"'
        case MissingCredentialError():
            return bearer
        case AmbiguousCredentialError() | UnauthenticatedError():
            return f'{bearer}, error="{error.code}", error_description="{error.detail}"'
        case ReauthenticationRequiredError():
            max_age = int(error.max_age.total_seconds())
            return f'{bearer}, error="insufficient_user_authentication", max_age="{max_age}"'
        case AccessDeniedError():
            scope = f', scope="{error.scope}"' if isinstance(error, InsufficientScopeError) else ""
            return f'{bearer}, error="insufficient_scope"{scope}'
        case _:
            return None


async def _render_validation_error(request: Request, error: RequestValidationError) -> Response:
    """Say which field is wrong and why, and never repeat what was sent: a password would come back in it."""
    if request.scope["path"].startswith(OAUTH_PATHS):
        detail = "; ".join(f"{_parameter(item)}: {_message(item)}" for item in error.errors()[:3])
        return refusal(request.scope, HTTPStatus.BAD_REQUEST, InvalidRequestError.code, f"{detail}.")
    errors = [
        {"location": [_plain(part) for part in item["loc"]], "code": item["type"], "message": _message(item)}
        for item in error.errors()[:_MOST_ERRORS]
    ]
    detail = "; ".join(f"{'.'.join(str(part) for part in item['location'])}: {item['message']}" for item in errors[:3])
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_input", detail, errors=errors)


def _parameter(item: Mapping[str, Any]) -> str:
    """Name a parameter of ours; one that there is none of is a stranger's text."""
    return "an unknown parameter" if item["type"] == "extra_forbidden" else str(item["loc"][-1])


def _plain(part: object) -> int | str:
    """Repeat only what looks like a name: the names of fields can be a stranger's text too."""
    return part if isinstance(part, int) else part if isinstance(part, str) and _PLAIN_NAME.fullmatch(part) else "?"


def _message(item: Mapping[str, Any]) -> str:
    """Use pydantic's sentence, but where it quotes the input or says nothing to a person."""
    return _SENTENCES.get(item["type"]) or str(item["msg"]).removeprefix("Value error, ")


async def _render_http_exception(request: Request, error: HTTPException) -> Response:
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.BAD_REQUEST and request.scope["path"].startswith(OAUTH_PATHS):
        return await _render_service_error(request, InvalidRequestError())
    code = _CODES.get(status, status.name.lower())
    return refusal(request.scope, status, code, f"{error.detail}.".replace("..", "."), error.headers)
