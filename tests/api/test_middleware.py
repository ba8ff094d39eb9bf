"""The headers of every answer, the ids of requests, and that nothing is built from what a stranger calls this host."""

import re

import pytest
from httpx import AsyncClient
from structlog.testing import capture_logs

from tests.conftest import MakeUser
from tests.support.edge import SECURITY_HEADERS, client_of, failing_client, make_app
from tests.support.openapi import operations
from tests.support.service import bearer

_EVIL = "evil.example"
_PAGES = ("/docs", "/docs/start.js", "/docs/assets/swagger-ui.css", "/openapi.json", "/unknown")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/livez", 200, id="ok"),
        pytest.param("POST", "/users", 201, id="created"),
        pytest.param("GET", "/users/me", 401, id="unauthorized"),
        pytest.param("GET", "/unknown", 404, id="not-found"),
        pytest.param("GET", "/oauth/token", 405, id="not-allowed"),
        pytest.param("GET", f"/{'a' * 9000}", 414, id="too-long"),
        pytest.param("GET", "/items/1", 422, id="invalid"),
        pytest.param("GET", "/docs/start.js", 200, id="docs"),
    ],
)
async def test_every_answer_carries_the_security_headers(
    client: AsyncClient, make_user: MakeUser, method: str, path: str, status: int
) -> None:
    headers = bearer(await make_user()) if status == 422 else {}
    body = {"email": "ann@example.com", "password": "correct horse battery"} if method == "POST" else None

    answer = await client.request(method, path, json=body, headers=headers)

    assert answer.status_code == status
    assert SECURITY_HEADERS.items() <= dict(answer.headers).items()
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
    assert "strict-transport-security" not in answer.headers
    assert "server" not in answer.headers


@pytest.mark.parametrize("path", ["/.well-known/jwks.json", "/docs", "/docs/assets/swagger-ui-bundle.js"])
async def test_an_answer_that_has_a_policy_of_its_own_keeps_the_rest(client: AsyncClient, path: str) -> None:
    answer = await client.get(path)
    not_modified = await client.get(path, headers={"If-None-Match": answer.headers.get("etag", "")})

    own = {"cache-control", "content-security-policy"}
    expected = {name: value for name, value in SECURITY_HEADERS.items() if name not in own}
    assert not_modified.status_code == (304 if "etag" in answer.headers else 200)
    assert expected.items() <= dict(answer.headers).items()
    assert expected.items() <= dict(not_modified.headers).items()
    assert own <= set(not_modified.headers)


@pytest.mark.parametrize("path", ["/fails", "/livez", "/unknown"])
async def test_an_https_issuer_tells_browsers_to_stay_with_https(path: str) -> None:
    with capture_logs():
        async with failing_client(RuntimeError(), issuer="https://auth.example.com") as client:
            answer = await client.get(path)

    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize("given", ["a", "4bf92f3577b34da6a3ce929d0e0e4736", "gateway_1.2-3", "a" * 64])
async def test_a_sane_request_id_is_kept(given: str) -> None:
    async with client_of(make_app()) as client:
        answer = await client.get("/livez", headers={"X-Request-ID": given})

    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a" * 65, "a b", "<script>", "a;b", 'a"b', "é", "\uff11"])
async def test_any_other_request_id_is_replaced(given: str) -> None:
    async with client_of(make_app()) as client:
        answer = await client.get("/livez", headers={b"X-Request-ID": given.encode()})

    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


@pytest.mark.parametrize("host", [_EVIL, f"{_EVIL}:99999", f"{_EVIL}/oauth/", f"user@{_EVIL}", ""])
async def test_nothing_is_built_from_the_host_that_a_request_names(
    client: AsyncClient, make_user: MakeUser, host: str
) -> None:
    user = await make_user()
    names = (b"Host", b"X-Forwarded-Host", b"X-Forwarded-Server", b"Forwarded", b"Origin", b"Referer")
    token = bearer(user)["Authorization"].encode()
    headers = {b"Authorization": token, b"X-Forwarded-Prefix": b"/evil.example", **dict.fromkeys(names, host.encode())}
    paths = {
        one.path.format(user_id=user.id, item_id="1", client_id="client_first_party") for one in operations()
    } | set(_PAGES)

    answers = {path: await client.get(path, headers=headers) for path in sorted(paths)}

    assert [path for path, answer in answers.items() if _EVIL in answer.text + str(answer.headers)] == []
    assert [path for path, answer in answers.items() if answer.is_redirect or answer.is_server_error] == []
    assert "servers" not in answers["/openapi.json"].json()
    assert answers["/unknown"].json()["code"] == "not_found"
    assert answers["/oauth/token"].json()["error"] == "invalid_request"
