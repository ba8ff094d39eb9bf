"""Hostile bytes on a real server: what an in-process transport hides, because it only knows well-formed requests."""

import json
from collections.abc import Iterator

import pytest

from tests.support.edge import SECURITY_HEADERS
from tests.support.serving import Server, serving

_JSON = "Content-Type: application/json"
_CHUNKED = "Transfer-Encoding: chunked"
_FIFTY_MEGABYTES = 52_428_800
_MARKER = "Tr0ub4dor&3"
_CHUNK = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"


def _request(line: str, *headers: str, body: bytes = b"") -> bytes:
    head = [f"{line} HTTP/1.1", "Host: auth.test", *headers, "", ""]
    return "\r\n".join(head).encode("latin-1") + body


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("dev")) as started:
        yield started
        log = started.log.read_text()
        assert "request.failed" not in log
        assert "Traceback" not in log


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        pytest.param(_request("GET /livez", "X-Long: " + _MARKER * 10_000), 431, "headers_too_large", id="long-header"),
        pytest.param(
            _request("GET /livez", *(f"X-{n}: {_MARKER}" for n in range(5_000))),
            431,
            "headers_too_large",
            id="many-headers",
        ),
        pytest.param(_request("GET /" + _MARKER * 5_000), 414, "uri_too_long", id="long-path"),
        pytest.param(_request("GET /users?q=" + _MARKER * 5_000), 414, "uri_too_long", id="long-query"),
        pytest.param(
            _request("POST /users", _JSON, f"Content-Length: {_FIFTY_MEGABYTES}", body=b"{"),
            413,
            "body_too_large",
            id="fifty-megabytes-announced",
        ),
        pytest.param(
            _request("POST /users", _JSON, f"Content-Length: {_FIFTY_MEGABYTES}", "Expect: 100-continue"),
            413,
            "body_too_large",
            id="fifty-megabytes-asked-about",
        ),
        pytest.param(_request("GET /../../etc/passwd"), 404, "not_found", id="traversal"),
        pytest.param(_request("GET /docs/assets/../../../../etc/passwd"), 404, "not_found", id="traversal-of-assets"),
        pytest.param(_request("GET http://evil.example/unknown"), 404, "not_found", id="absolute-address"),
        pytest.param(_request("GET //evil.example/livez"), 404, "not_found", id="address-without-a-scheme"),
        pytest.param(_request("OPTIONS *"), 404, "not_found", id="asterisk"),
        pytest.param(
            _request("GET /users/me", "Authorization: Bearer \xff\xfe"), 401, "invalid_token", id="bytes-for-a-token"
        ),
        pytest.param(b"GET /unknown HTTP/1.0\r\n\r\n", 404, "not_found", id="no-host"),
    ],
)
async def test_a_request_that_is_too_much_gets_a_problem(
    server: Server, request_bytes: bytes, status: int, code: str
) -> None:
    answer = await server.exchange(request_bytes)

    assert answer is not None
    assert (answer.status, json.loads(answer.body)["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert SECURITY_HEADERS.items() <= answer.headers.items()
    assert "server" not in answer.headers
    assert _MARKER.encode() not in answer.body


@pytest.mark.parametrize(("path", "member"), [("/users", "code"), ("/oauth/token", "error")])
async def test_a_body_in_chunks_that_never_ends_is_cut_off(server: Server, path: str, member: str) -> None:
    form = _JSON if path == "/users" else "Content-Type: application/x-www-form-urlencoded"
    chunks = [_CHUNK] * (_FIFTY_MEGABYTES // 0x10000)

    answer = await server.exchange(_request(f"POST {path}", form, _CHUNKED), *chunks)

    assert answer is not None
    assert answer.status == 413
    assert json.loads(answer.body)[member] == {"code": "body_too_large", "error": "invalid_request"}[member]


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", id="tls-to-a-plain-port"),
        pytest.param(b"GET\r\n\r\n", id="half-a-line"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="http-2"),
        pytest.param(b"GET /livez HTTP/9.9\r\n\r\n", id="http-9"),
        pytest.param(_request("get /livez"), id="lower-case-method"),
        pytest.param(_request("CONNECT evil.example:443"), id="connect"),
        pytest.param(_request("GET /items?q=\xff\xfe"), id="bytes-in-a-query"),
        pytest.param(_request("GET /" + "a" * 100_000), id="hundred-kilobyte-path"),
        pytest.param(_request("GET /livez", "X-A: a\0b"), id="nul-in-a-header"),
        pytest.param(_request("GET /livez", "X-A: a", " b"), id="folded-header"),
        pytest.param(_request("GET /livez", ": nameless"), id="header-without-a-name"),
        pytest.param(_request("POST /users", _JSON, "Content-Length: abc", body=b"{}"), id="length-that-is-a-word"),
        pytest.param(_request("POST /users", _JSON, "Content-Length: -1", body=b"{}"), id="negative-length"),
        pytest.param(_request("POST /users", _JSON, f"Content-Length: {'9' * 5000}", body=b"{}"), id="endless-length"),
        pytest.param(
            _request("POST /users", _JSON, "Content-Length: 2", "Content-Length: 3", body=b"{}"), id="two-lengths"
        ),
        pytest.param(
            _request("POST /users", _JSON, "Content-Length: 2", _CHUNKED, body=b"2\r\n{}\r\n0\r\n\r\n"),
            id="length-and-chunks",
        ),
        pytest.param(_request("POST /users", _JSON, _CHUNKED, body=b"zz\r\n{}\r\n"), id="chunk-without-a-size"),
    ],
)
async def test_what_is_no_request_is_refused_by_the_server_itself(server: Server, request_bytes: bytes) -> None:
    """The application never sees these; the answer is a problem all the same."""
    answer = await server.exchange(request_bytes)

    assert answer is not None
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "invalid_request")
    assert answer.headers["connection"] == "close"


async def test_a_caller_who_hangs_up_in_the_middle_is_no_fault_of_ours(server: Server) -> None:
    answer = await server.exchange(_request("POST /users", _JSON, "Content-Length: 50", body=b"{"), hang_up=True)
    after = await server.exchange(_request("GET /livez"))

    assert answer is None
    assert after is not None
    assert after.status == 200
