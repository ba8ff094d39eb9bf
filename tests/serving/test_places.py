"""A process whose connections are all at work: who else comes is told so, and probes are answered."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from auth_service.serving.connection import Connection, Connections
from auth_service.serving.connection_limits import SPARE, ConnectionLimits
from auth_service.telemetry.connection_tally import ConnectionTally

LIMIT = 2
PATIENCE_SECONDS = 20
GET = "GET {} HTTP/1.1\r\nHost: auth.example.com\r\n\r\n"
POST = "POST {} HTTP/1.1\r\nHost: auth.example.com\r\nContent-Length: 2\r\n\r\n"


@dataclass(slots=True)
class Process:
    """A server of few places; whoever asks for `/work` is answered when the work is `done`."""

    port: int = 0
    tally: ConnectionTally = field(default_factory=ConnectionTally)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    most_open: int = 0

    async def application(
        self, scope: Any, _receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        self.most_open = max(self.most_open, self.tally.open)
        if scope["path"] == "/work":
            self.begun.release()
            await self.done.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ask(self, request: str, then: str = "") -> bytes:
        """Return all that is answered until the connection is closed, which must not be before all is sent."""
        reader, writer = await self.connect()
        writer.write(request.encode())
        answer = asyncio.create_task(reader.read())
        if then:
            await asyncio.wait([answer], timeout=0.1)
            assert not answer.done()
            writer.write(then.encode())
        await answer
        writer.close()
        return answer.result()


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    """One whose places are all taken by requests in work."""
    async with asyncio.timeout(PATIENCE_SECONDS), AsyncExitStack() as exits:
        process = await exits.enter_async_context(_running())
        for _ in range(LIMIT):
            _, writer = await process.connect()
            exits.callback(writer.close)
            writer.write(GET.format("/work").encode())
        for _ in range(LIMIT):
            await process.begun.acquire()
        yield process


@asynccontextmanager
async def _running() -> AsyncIterator[Process]:
    process, state = Process(), ServerState()
    limits = ConnectionLimits(receive_seconds=60, idle_seconds=60, connections=LIMIT, body_bytes=1000)
    config = uvicorn.Config(process.application, interface="asgi3", log_config=None)
    config.load()
    protocol = partial(Connection, config, state, {}, all_of_them=Connections(limits, process.tally))
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    process.port = server.sockets[0].getsockname()[1]
    try:
        yield process
    finally:
        server.close()
        process.done.set()
        for connection in list(state.connections):
            connection.transport.abort()


def _status(answer: bytes) -> int:
    return int(answer.split()[1])


@pytest.mark.parametrize(
    ("request_", "then"),
    [
        pytest.param(GET.format("/users/me"), "", id="without a body"),
        pytest.param(POST.format("/livez/"), "{}", id="with a body that comes later"),
    ],
)
async def test_who_else_comes_is_told_to_come_back(process: Process, request_: str, then: str) -> None:
    answer = await process.ask(request_, then)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert (_status(answer), json.loads(body)["code"]) == (503, "too_busy")
    assert b"\r\nretry-after: 2\r\n" in head
    assert b"\r\nconnection: close" in head
    assert process.tally.refused == {"too_busy": 1}


@pytest.mark.parametrize("path", ["/livez", "/readyz?full=1"])
async def test_probes_are_answered(process: Process, path: str) -> None:
    assert _status(await process.ask(GET.format(path))) == 200


async def test_who_says_nothing_keeps_no_probe_out_and_nobody_gets_a_place_by_it(process: Process) -> None:
    silent = [await process.connect() for _ in range(5 * SPARE)]

    answers = [await process.ask(GET.format(path)) for path in ("/livez", "/users/me")]
    for _, writer in silent:
        writer.close()

    assert [_status(answer) for answer in answers] == [200, 503]
    assert process.tally.refused["evicted"] >= 4 * SPARE
    assert process.most_open <= LIMIT + SPARE + 1  # one that is ended is open for a moment more


async def test_who_came_when_all_were_at_work_is_served_when_there_is_room(process: Process) -> None:
    reader, writer = await process.connect()
    process.done.set()
    await asyncio.sleep(0.05)

    statuses = []
    for _ in range(2):
        writer.write(GET.format("/users/me").encode())
        statuses.append(_status(await reader.readuntil(b"\r\n\r\n")))
    writer.close()

    assert statuses == [200, 200]  # and the connection is kept
