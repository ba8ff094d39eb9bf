"""Cross-origin requests: closed by default, open for the configured origins and never with credentials."""

import pytest
from httpx import AsyncClient, Response
from structlog.testing import capture_logs

from tests.support.edge import SECURITY_HEADERS, client_of, failing_client, make_app

APP = "https://app.example.com"
_OTHERS = ["https://evil.example", "null", f"{APP}.evil.example", "http://app.example.com", f"{APP}:8443", APP.upper()]


def _cors(answer: Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


async def _ask_first(client: AsyncClient, origin: str, method: str = "PATCH", headers: str = "") -> Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return await client.options("/items/1", headers={name: value for name, value in asked.items() if value})


async def test_cors_is_closed_unless_it_is_opened() -> None:
    async with client_of(make_app()) as client:
        preflight = await _ask_first(client, APP)
        answer = await client.get("/livez", headers={"Origin": APP})

    assert (preflight.status_code, _cors(preflight)) == (405, {})
    assert (answer.status_code, _cors(answer)) == (200, {})


async def test_a_configured_origin_may_ask_for_every_method() -> None:
    async with client_of(make_app(cors_origins=APP)) as client:
        answer = await _ask_first(client, APP, "DELETE", "authorization, content-type, x-request-id")

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == APP
    assert answer.headers["access-control-allow-methods"] == "GET, POST, PUT, PATCH, DELETE"
    assert {"authorization", "content-type", "x-request-id"} <= {
        name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")
    }
    assert "access-control-allow-credentials" not in answer.headers
    assert "origin" in answer.headers["vary"].lower()
    assert SECURITY_HEADERS.items() <= dict(answer.headers).items()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/livez", 200, id="ok"),
        pytest.param("GET", "/unknown", 404, id="not-found"),
        pytest.param("GET", "/oauth/token", 405, id="not-allowed"),
        pytest.param("POST", "/livez", 405, id="wrong-method"),
        pytest.param("POST", "/oauth/token", 413, id="body-too-large"),
        pytest.param("GET", f"/{'a' * 9000}", 414, id="address-too-long"),
        pytest.param("GET", "/fails", 500, id="fault"),
        pytest.param("GET", "/oauth/fails", 500, id="oauth-fault"),
    ],
)
async def test_a_configured_origin_may_read_every_answer(method: str, path: str, status: int) -> None:
    content = b"a" * 100_000 if status == 413 else None
    with capture_logs():
        async with failing_client(RuntimeError(), cors_origins=APP) as client:
            answer = await client.request(method, path, content=content, headers={"Origin": APP})

    assert answer.status_code == status
    assert _cors(answer) == {
        "access-control-allow-origin": APP,
        "access-control-expose-headers": "X-Request-ID, Retry-After, WWW-Authenticate",
    }


@pytest.mark.parametrize("origin", _OTHERS)
async def test_any_other_origin_gets_nothing(origin: str) -> None:
    async with client_of(make_app(cors_origins=f"{APP}, https://second.example.com")) as client:
        preflight = await _ask_first(client, origin)
        answer = await client.get("/unknown", headers={"Origin": origin})

    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in _cors(preflight) | _cors(answer)
    assert origin not in preflight.text + answer.text


async def test_a_header_that_is_not_allowed_is_refused_before_it_is_sent() -> None:
    async with client_of(make_app(cors_origins=APP)) as client:
        answer = await _ask_first(client, APP, headers="x-evil")

    assert answer.status_code == 400


@pytest.mark.parametrize("origin", ["*", "https://*.example.com/", "app.example.com", f"{APP}/path", "null"])
def test_an_origin_that_is_no_origin_is_not_accepted(origin: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        make_app(cors_origins=origin)
