"""Every refusal and every fault, in the two forms that they are rendered in."""

import pytest
from structlog.testing import capture_logs

from auth_service.api.errors import AmbiguousCredentialError, MissingCredentialError
from auth_service.authz.errors import AccessDeniedError, InsufficientScopeError
from auth_service.db.errors import DatabaseUnavailableError
from auth_service.db.keyset import InvalidPositionError
from auth_service.errors import InvalidInputError, ServiceError
from auth_service.oauth.errors import InvalidClientError, InvalidGrantError
from auth_service.tokens.errors import InvalidTokenError
from auth_service.users.errors import EmailTakenError, UserNotFoundError
from tests.support.attacks import Attack, Target
from tests.support.edge import SECURITY_HEADERS, failing_client

_FAULT = RuntimeError("the password is hunter2")
_REALM = 'Bearer realm="auth-service"'


class _PlainRefusalError(InvalidInputError):
    code = "plain_refusal"
    detail = "This cannot be."


@pytest.mark.parametrize(
    ("error", "status", "title", "headers"),
    [
        pytest.param(_PlainRefusalError(), 422, None, {}, id="invalid-input"),
        pytest.param(InvalidPositionError(), 400, "Bad Request", {}, id="cursor"),
        pytest.param(UserNotFoundError(), 404, "Not Found", {}, id="not-found"),
        pytest.param(EmailTakenError(), 409, "Conflict", {}, id="conflict"),
        pytest.param(
            DatabaseUnavailableError(), 503, "Service Unavailable", {"retry-after": "2"}, id="unavailable"
        ),
        pytest.param(MissingCredentialError(), 401, "Unauthorized", {"www-authenticate": _REALM}, id="no-credential"),
        pytest.param(
            AmbiguousCredentialError(),
            400,
            "Bad Request",
            {
                "www-authenticate": f'{_REALM}, error="invalid_request", '
                f'error_description="{AmbiguousCredentialError.detail}"'
            },
            id="two-credentials",
        ),
        pytest.param(
            InvalidTokenError("expired"),
            401,
            "Unauthorized",
            {
                "www-authenticate": f'{_REALM}, error="invalid_token", error_description="{InvalidTokenError.detail}"'
            },
            id="bad-token",
        ),
        pytest.param(
            AccessDeniedError("item.delete"),
            403,
            "Forbidden",
            {"www-authenticate": f'{_REALM}, error="insufficient_scope"'},
            id="denied",
        ),
        pytest.param(
            InsufficientScopeError("item.read", owner_id=None, scope="items:read"),
            403,
            "Forbidden",
            {"www-authenticate": f'{_REALM}, error="insufficient_scope", scope="items:read"'},
            id="scope",
        ),
    ],
)  # fmt: skip
async def test_a_refusal_is_a_problem(
    error: ServiceError, status: int, title: str | None, headers: dict[str, str]
) -> None:
    async with failing_client(error) as client:
        answer = await client.get("/fails")

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": title or answer.json()["title"],  # Python 3.13 calls a 422 by another name
        "status": status,
        "detail": error.detail,
        "code": error.code,
    }
    offered = {name: value for name, value in answer.headers.items() if name in {"www-authenticate", "retry-after"}}
    assert offered == headers


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        pytest.param(
            InvalidGrantError(),
            400,
            {"error": "invalid_grant", "error_description": "The credentials are not valid."},
            id="grant",
        ),
        pytest.param(
            InvalidClientError(),
            401,
            {"error": "invalid_client", "error_description": "Client authentication failed."},
            id="client",
        ),
        pytest.param(
            DatabaseUnavailableError(),
            503,
            {"error": "temporarily_unavailable", "error_description": DatabaseUnavailableError.detail},
            id="unavailable",
        ),
        pytest.param(
            _FAULT,
            500,
            {
                "error": "server_error",
                "error_description": "Something went wrong on our side. "
                "It was written to the log under this answer's X-Request-ID.",
            },
            id="fault",
        ),
    ],
)
async def test_an_oauth_refusal_is_oauth_json(error: Exception, status: int, body: dict[str, str]) -> None:
    with capture_logs():
        async with failing_client(error) as client:
            answer = await client.get("/oauth/fails")

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert answer.json() == body


async def test_a_client_that_failed_is_challenged() -> None:
    async with failing_client(InvalidClientError()) as client:
        answer = await client.get("/oauth/fails")

    assert answer.headers["www-authenticate"] == 'Basic realm="auth-service", charset="UTF-8"'


async def test_a_fault_is_logged_once_and_the_answer_says_where() -> None:
    with capture_logs() as logs:
        async with failing_client(_FAULT) as client:
            answer = await client.get("/fails", headers={"X-Request-ID": "a-fault"})

    assert answer.status_code == 500
    assert answer.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "Something went wrong on our side. It was written to the log under this answer's X-Request-ID.",
        "code": "internal_error",
    }
    assert answer.headers["x-request-id"] == "a-fault"
    assert SECURITY_HEADERS.items() <= dict(answer.headers).items()
    assert [(line["event"], line["request_id"], line["route"]) for line in logs] == [
        ("request.failed", "a-fault", "/fails")
    ]


@pytest.mark.parametrize("error", [_FAULT, DatabaseUnavailableError()], ids=["fault", "outage"])
async def test_a_log_line_names_the_route_and_never_the_path_or_the_query(error: Exception) -> None:
    with capture_logs() as logs:
        async with failing_client(error) as client:
            await client.get("/fails/a-one-time-token%0aINFO:%20all%20is%20well%1b[2J?token=a-one-time-token")

    assert [line["route"] for line in logs] == ["/fails/{rest}"]
    assert "a-one-time-token" not in str([{**line, "exc_info": None} for line in logs])


async def test_an_answer_that_fails_halfway_is_broken_off() -> None:
    """What was sent cannot be taken back: only an end that comes too soon tells the caller that it is not whole."""
    with capture_logs() as logs:
        async with failing_client(_FAULT) as client:
            with pytest.raises(RuntimeError, match="hunter2"):
                await client.get("/fails-halfway")

    assert [line["event"] for line in logs] == ["request.failed"]


async def test_a_bad_id_is_refused_without_a_character_of_it(target: Target) -> None:
    answer = await target.send(Attack("GET", "/users/%C3%9F", 422, "invalid_input"))

    assert answer.json() == {
        "type": "about:blank",
        "title": answer.json()["title"],
        "status": 422,
        "detail": "path.user_id: Input should be a valid UUID",
        "code": "invalid_input",
        "errors": [
            {"location": ["path", "user_id"], "code": "uuid_parsing", "message": "Input should be a valid UUID"}
        ],
    }
