"""Clients who are slow, or send too much, or are too many: they are cut off, and nobody else notices."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.support.commands import make_operator
from tests.support.metrics import scrape
from tests.support.ports import free_port
from tests.support.slow_clients import (
    connected,
    dribble,
    pour,
    read_livez,
    read_to_the_end,
    status_of,
    wait_until_hung_up_on,
)

CONNECTIONS = 20
HEAD = b"GET /livez HTTP/1.1\r\nHost: auth.example.com\r\n"
BODY = b"POST /users HTTP/1.1\r\nHost: auth.example.com\r\nContent-Type: application/json\r\n"
LARGE_ANSWER = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: auth.example.com\r\n\r\n"
ENDLESS = 10_000_000


@pytest.fixture(scope="module")
def metrics_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory, metrics_port: int) -> Iterator[int]:
    """A server that is impatient, where clients are few."""
    folder: Path = tmp_path_factory.mktemp("slow")
    operator, port = make_operator(folder), free_port()
    impatient = {
        "AUTH_HTTP__RECEIVE_TIMEOUT": "PT0.5S",
        "AUTH_HTTP__KEEP_ALIVE_TIMEOUT": "PT0.5S",
        "AUTH_HTTP__MAX_CONNECTIONS": str(CONNECTIONS),
        "AUTH_HTTP__DOCS": "true",
        "AUTH_METRICS__PORT": str(metrics_port),
    }
    operator.run("migrate")
    with operator.start("serve", "--port", str(port), **impatient) as program:
        program.ready("service.ready")
        yield port
        outcome = program.stop(15)
    assert outcome.code == 0
    assert "request.failed" not in outcome.stderr, outcome.stderr
    operator.check(outcome)


def _alive(port: int) -> bool:
    with urlopen(f"http://127.0.0.1:{port}/livez", timeout=20) as answer:
        return bool(json.load(answer) == {"status": "ok"})


def _problem(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"\r\nconnection: close" in head
    return status_of(answer), json.loads(body)["code"]


@pytest.mark.parametrize(
    ("at_once", "endless"),
    [
        pytest.param(b"", HEAD + b"X-Slow: " + b"a" * 1000, id="from the first byte"),
        pytest.param(HEAD, b"X-Slow: " + b"a" * 1000, id="headers"),
        pytest.param(BODY + b"Content-Length: 2000\r\n\r\n", b"a" * 1000, id="body"),
        pytest.param(BODY + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 200, id="chunks"),
        pytest.param(HEAD + b"\r\n" + HEAD, b"X-Slow: " + b"a" * 1000, id="headers of the second request"),
    ],
)
def test_who_dribbles_a_request_is_told_and_cut_off(port: int, at_once: bytes, endless: bytes) -> None:
    with connected(port) as connection:
        connection.sendall(at_once)
        if at_once.count(HEAD) == 2:
            read_livez(connection)
        answer = dribble(connection, endless)

    assert _problem(answer) == (408, "request_timeout")
    assert _alive(port)


@pytest.mark.parametrize(
    ("at_once", "endless"),
    [
        pytest.param(b"", b"", id="nothing"),
        pytest.param(b"", b"\r\n" * 1000, id="empty lines"),
        pytest.param(HEAD + b"\r\n", b"", id="nothing after an answer"),
        pytest.param(HEAD + b"\r\n", b"\r\n" * 1000, id="empty lines after an answer"),
    ],
)
def test_who_asks_nothing_is_cut_off_without_a_word(port: int, at_once: bytes, endless: bytes) -> None:
    with connected(port) as connection:
        connection.sendall(at_once)
        if at_once:
            read_livez(connection)
        rest = dribble(connection, endless) if endless else read_to_the_end(connection)

    assert rest == b""


def test_who_does_not_read_the_answer_is_cut_off(port: int) -> None:
    with connected(port, receive_buffer=4096) as connection:
        connection.sendall(LARGE_ANSWER * 30)
        wait_until_hung_up_on(connection)

    assert _alive(port)


@pytest.mark.parametrize(
    ("at_once", "endless", "code"),
    [
        pytest.param(HEAD, b"X-Long: " + b"a" * 8000 + b"\r\n", "headers_too_large", id="headers"),
        pytest.param(HEAD + b"X-Long: ", b"a" * 8000, "headers_too_large", id="one header"),
        pytest.param(HEAD, b"a:\r\n" * 500, "headers_too_large", id="many headers"),
        pytest.param(
            BODY + b"Transfer-Encoding: chunked\r\n\r\n",
            b"1;" + b"a" * 8000 + b"\r\na\r\n",
            "body_too_large",
            id="chunks",
        ),
        pytest.param(
            BODY + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"a:\r\n" * 500, "body_too_large", id="trailers"
        ),
    ],
)
def test_who_sends_without_end_is_refused_early(port: int, at_once: bytes, endless: bytes, code: str) -> None:
    with connected(port) as connection:
        connection.sendall(at_once)
        answer = pour(connection, endless, most=ENDLESS)

    assert _problem(answer) == ({"headers_too_large": 431, "body_too_large": 413}[code], code)
    assert _alive(port)


def test_who_is_refused_early_may_send_the_rest_and_go_on(port: int) -> None:
    length = 5_000_000
    with connected(port) as connection:
        connection.sendall(BODY + f"Content-Length: {length}\r\n\r\n".encode() + b"a" * length + HEAD + b"\r\n")
        answers = b""
        while not answers.endswith(b'{"status":"ok"}'):
            answers += connection.recv(65_536)

    assert status_of(answers) == 413


def test_who_asks_for_hundreds_of_answers_at_once_is_cut_off(port: int) -> None:
    with connected(port) as connection:
        connection.sendall((HEAD + b"\r\n") * 500)
        answers = read_to_the_end(connection)

    assert answers.count(b"HTTP/1.1 200") < 500
    assert _alive(port)


def test_many_idle_connections_keep_nobody_out(port: int, metrics_port: int) -> None:
    with ExitStack() as exits:
        idle = [exits.enter_context(connected(port)) for _ in range(3 * CONNECTIONS)]
        alive = _alive(port)
        wait_until_hung_up_on(idle[0])
    metrics = scrape(metrics_port)

    assert alive
    assert metrics.value("connections_limit") == CONNECTIONS
    assert (metrics.value("connections_refused_total", code="evicted") or 0) >= 2 * CONNECTIONS
