"""Serves a process's metrics to Prometheus by a thread of its own, which answers while the event loop is busy."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from auth_service.mail.backlog import Backlog, read_backlog
from auth_service.monitoring.exposition import outbox, snapshot
from auth_service.monitoring.families import gauge
from auth_service.monitoring.outbox_watch import PATIENCE_SECONDS, Answer, OutboxWatch
from auth_service.monitoring.request_meter import RequestMeter
from auth_service.wiring.runtime import Runtime

PATH = "/metrics"
_LONGEST_SCRAPE_SECONDS = 1.5 * PATIENCE_SECONDS  # Prometheus waits for 10 s by default
_LONGEST_CALL_SECONDS = 5.0
_POLL_SECONDS = 0.2  # how long `close` waits at most
_BUSY = "loop_busy"


class ServiceCollector(Collector):
    """The figures of one process; called by the thread that serves them."""

    def __init__(self, runtime: Runtime, requests: RequestMeter, loop: asyncio.AbstractEventLoop) -> None:
        """Read what is in memory here, and ask the database in `loop`."""
        self._runtime = runtime
        self._requests = requests
        self._loop = loop
        self.watch = OutboxWatch(self._read_backlog)

    def describe(self) -> list[Metric]:
        """Say nothing at the registration: there is a loop to ask, which waits for it."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; what the loop did not say in time is left out."""
        answer, delay = self._ask_loop()
        yield from snapshot(self._runtime, self._requests)
        yield gauge("event_loop_delay_seconds", "How long the event loop took to hear of this scrape.", delay)
        yield from outbox(self.watch, answer)

    def _ask_loop(self) -> tuple[Answer, float]:
        began = time.perf_counter()
        heard: list[float] = []

        async def ask() -> Answer:
            heard.append(time.perf_counter())
            return await self.watch.answer()

        asked = asyncio.run_coroutine_threadsafe(ask(), self._loop)
        try:
            answer = asked.result(_LONGEST_SCRAPE_SECONDS)
        except (TimeoutError, CancelledError):
            asked.cancel()
            answer = Answer(None, _BUSY)
        return answer, (heard[0] if heard else time.perf_counter()) - began

    async def _read_backlog(self) -> Backlog:
        async with self._runtime.database.transaction(writing=False) as session:
            return await read_backlog(session)


class MetricsServer:
    """Answers `GET /metrics` on a port that is bound already, until `close`."""

    def __init__(self, runtime: Runtime, requests: RequestMeter, listener: socket.socket) -> None:
        """Begin to answer with the figures of this process, whose event loop calls this."""
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        collector = ServiceCollector(runtime, requests, asyncio.get_running_loop())
        registry.register(collector)
        self._watch = collector.watch
        self._server = _Server(listener, registry)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="metrics", daemon=True
        )
        self._thread.start()

    async def close(self) -> None:
        """Stop answering, and asking the database."""
        await asyncio.to_thread(self._server.shutdown)
        self._thread.join()
        self._server.server_close()
        await self._watch.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listener: socket.socket, registry: CollectorRegistry) -> None:
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.registry = registry

    def handle_error(self, _request: object, _address: object) -> None:
        """Leave it: somebody hung up. A fault of ours is answered by the handler."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _LONGEST_CALL_SECONDS  # for whoever sends nothing
    server: _Server

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self._answer(HTTPStatus.NOT_FOUND, f"There is only {PATH} here.\n".encode(), "text/plain; charset=utf-8")
            return
        encode, content_type = choose_encoder(self.headers.get("Accept") or "")
        self._answer(HTTPStatus.OK, encode(self.server.registry), content_type)

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Name the program, not the library's and Python's versions."""
        return "auth-service"

    def log_message(self, format: str, *arguments: object) -> None:
        """Write no line for each scrape."""
