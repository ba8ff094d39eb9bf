"""Lets verifiers reach the test issuer: over HTTP on 127.0.0.1, or within the process."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from urllib.parse import parse_qsl, urlsplit

import httpx

_POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Door:
    """Where requests come in. `answer` returns None while there is nothing new for one who waits."""

    answer: Callable[[str, dict[str, str], dict[str, str]], Answer | None]
    closed: bool = False
    news: Condition = field(default_factory=Condition)
    requests: Counter[str] = field(default_factory=Counter)

    def try_answer(self, target: str, headers: dict[str, str], *, waited: float) -> Answer | None:
        """Return the answer, or None to one who has to wait on; raises ConnectionError while nobody is there."""
        if self.closed:
            raise ConnectionError("nobody is there")
        url = urlsplit(target)
        query = dict(parse_qsl(url.query))
        if waited >= float(query.get("wait", "0")):
            query.pop("wait", None)
        return self.answer(url.path, query, headers)

    def count(self, target: str) -> None:
        """Note a request."""
        with self.news:
            self.requests[urlsplit(target).path] += 1


class InProcess(httpx.AsyncBaseTransport):
    """Answers without a socket."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request, when there is something to say."""
        target, headers = request.url.raw_path.decode(), {k.lower(): v for k, v in request.headers.items()}
        self._door.count(target)
        began = time.monotonic()
        try:
            while (answer := self._door.try_answer(target, headers, waited=time.monotonic() - began)) is None:
                await asyncio.sleep(_POLL_SECONDS)  # the news come from any thread
        except ConnectionError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: "_Server"

    def do_GET(self) -> None:
        door, headers = self.server.door, {name.lower(): value for name, value in self.headers.items()}
        door.count(self.path)
        began = time.monotonic()
        try:
            with door.news:
                while (answer := door.try_answer(self.path, headers, waited=time.monotonic() - began)) is None:
                    door.news.wait(1)
        except ConnectionError:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: tests want to see their own output."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, door: Door) -> None:
        self.door = door
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: somebody who hangs up is not an error."""


@contextmanager
def serving(door: Door) -> Iterator[str]:
    """Serve on a free port until the block ends; yields the URL."""
    with _Server(door) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            with door.news:
                door.closed = True
                door.news.notify_all()
            thread.join()
