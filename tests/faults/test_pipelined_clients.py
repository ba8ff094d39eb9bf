"""Clients who send the next request before they have the answer, or what is no request: nobody else notices."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import uvicorn
from uvicorn.server import ServerState

from auth_service.serving.connection import Connection, Connections
from auth_service.serving.connection_limits import ConnectionLimits
from auth_service.telemetry.connection_tally import ConnectionTally
from tests.support.commands import make_operator
from tests.support.metrics import Scrape, scrape
from tests.support.ports import free_port
from tests.support.slow_clients import connected, read_to_the_end, status_of

ALIVE = b"GET /livez HTTP/1.1\r\nHost: auth.example.com\r\n\r\n"
LONG_POLL = b"GET /oauth/revocations?wait=1 HTTP/1.1\r\nHost: auth.example.com\r\n\r\n"
LARGE_ANSWER = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: auth.example.com\r\n\r\n"
CREDENTIALS = b"grant_type=password&username=nobody@example.com&password=wrong"
SIGN_IN = (
    b"POST /oauth/token HTTP/1.1\r\nHost: auth.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(CREDENTIALS), CREDENTIALS)
)
UNFINISHED = (
    b"POST /users HTTP/1.1\r\nHost: auth.example.com\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n"
)


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """A server that is impatient, and where it is scraped."""
    folder: Path = tmp_path_factory.mktemp("pipelined")
    operator, port, metrics_port = make_operator(folder), free_port(), free_port()
    impatient = {
        "AUTH_HTTP__RECEIVE_TIMEOUT": "PT0.5S",
        "AUTH_HTTP__KEEP_ALIVE_TIMEOUT": "PT0.5S",
        "AUTH_HTTP__DOCS": "true",
        "AUTH_METRICS__PORT": str(metrics_port),
    }
    operator.run("migrate")
    with operator.start("serve", "--port", str(port), **impatient) as program:
        program.ready("service.ready")
        yield port, metrics_port
        outcome = program.stop(15)
    assert outcome.code == 0
    assert "Traceback" not in outcome.stderr, outcome.stderr
    operator.check(outcome)


def _refused(metrics: Scrape, code: str) -> float:
    return metrics.by("code", "connections_refused_total").get(code, 0)


def test_who_never_finishes_a_request_behind_a_large_answer_is_told_and_cut_off(ports: tuple[int, int]) -> None:
    port, metrics_port = ports
    before = scrape(metrics_port)

    with connected(port, receive_buffer=4096) as connection:
        connection.sendall(LARGE_ANSWER * 20 + UNFINISHED)
        answers = read_to_the_end(connection)

    assert b"\r\n\r\n" in answers
    assert json.loads(answers.rpartition(b"\r\n\r\n")[2])["code"] == "request_timeout"
    assert _refused(scrape(metrics_port), "request_timeout") == _refused(before, "request_timeout") + 1


def test_who_hangs_up_on_two_requests_leaves_no_trace(ports: tuple[int, int]) -> None:
    for _ in range(3):
        with connected(ports[0]) as connection:
            connection.sendall(SIGN_IN + ALIVE)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with connected(ports[0]) as connection:
        connection.sendall(LONG_POLL)
        answer = read_to_the_end(connection)

    assert status_of(answer) == 200


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"FOO /livez HTTP/1.1\r\nHost: x\r\n\r\n", id="no such method"),
        pytest.param(b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n", id="no address"),
        pytest.param(b"GET /livez HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(b"GET /livez HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", id="two hosts"),
        pytest.param(b"GET /livez HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", id="two hosts in an old request"),
        pytest.param(
            b"POST /users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n", id="no chunk"
        ),
    ],
)
@pytest.mark.parametrize("before", [pytest.param(b"", id="first"), pytest.param(LONG_POLL, id="behind another one")])
def test_what_is_no_request_is_refused_but_never_in_the_place_of_another_one(
    ports: tuple[int, int], before: bytes, nonsense: bytes
) -> None:
    port, metrics_port = ports
    counted = _refused(scrape(metrics_port), "invalid_request")

    with connected(port) as connection:
        connection.sendall(before + nonsense)
        answer = read_to_the_end(connection)

    assert _refused(scrape(metrics_port), "invalid_request") == counted + 1
    if before:
        assert answer == b""
    else:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert (status_of(answer), json.loads(body)["code"]) == (400, "invalid_request")
        assert b"\r\ncontent-type: application/problem+json" in head
        assert b"\r\nx-content-type-options: nosniff" in head
        assert b"retry-after" not in head


def test_an_old_request_may_name_no_host(ports: tuple[int, int]) -> None:
    with connected(ports[0]) as connection:
        connection.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        answer = read_to_the_end(connection)

    assert status_of(answer) == 200


async def test_of_thousands_of_requests_in_one_read_few_are_looked_at() -> None:
    tally, state = ConnectionTally(), ServerState()
    limits = ConnectionLimits(receive_seconds=60, idle_seconds=60, connections=10, body_bytes=1000)
    config = uvicorn.Config(_listen, log_config=None)
    ours, theirs = socket.socketpair()
    with theirs:
        _, connection = await asyncio.get_running_loop().connect_accepted_socket(
            partial(Connection, config, state, {}, all_of_them=Connections(limits, tally)), ours
        )
        connection.data_received(ALIVE * 5000)
        await asyncio.gather(*state.tasks)

    assert len(connection.pipeline) < 500
    assert tally.refused == {"too_many_pipelined": 1}
    assert tally.open == 0


async def _listen(_scope: object, receive: Callable[[], Awaitable[dict[str, object]]], _send: object) -> None:
    """Work until the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
