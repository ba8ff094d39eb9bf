"""Serves a process's metrics to Prometheus by threads of its own, which answer while the event loop is busy."""

import asyncio
import socket
import sys
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from auth_service.monitoring.collector import ServiceCollector
from auth_service.monitoring.request_meter import RequestMeter
from auth_service.wiring.runtime import Runtime

log = structlog.get_logger()

PATH = "/metrics"
MOST_AT_ONCE = 8
_HEAD_SECONDS = 1.0  # for the whole of a request: a scraper sends it at once
_PATIENCE_SECONDS = 5.0  # for a read of the answer
_TEXT = "text/plain; charset=utf-8"
_POLL_SECONDS = 0.2  # how long `close` waits at most


class MetricsServer:
    """Answers `GET /metrics` on a port that is bound already, until `close`."""

    def __init__(self, runtime: Runtime, requests: RequestMeter, listener: socket.socket) -> None:
        """Begin to answer with the figures of this process, whose event loop calls this."""
        collector = ServiceCollector(runtime, requests, asyncio.get_running_loop())
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
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
    """A thread for each connection, of which there are few.

    Whoever comes when all are taken gets the place of the one that has been longest about sending its request; when all
    are being answered, it is hung up on. So nobody keeps a scraper out by dribbling.
    """

    daemon_threads = True

    def __init__(self, listener: socket.socket, registry: CollectorRegistry) -> None:
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.registry = registry
        self._lock = threading.Lock()
        self._is_in_head: dict[socket.socket, bool] = {}  # those who have a place, the oldest first

    def verify_request(self, request: socket.socket, _address: object) -> bool:  # type: ignore[override]
        """Take a place, somebody else's if need be."""
        with self._lock:
            if len(self._is_in_head) >= MOST_AT_ONCE:
                slowest = next((each for each, is_in_head in self._is_in_head.items() if is_in_head), None)
                if slowest is None:
                    return False
                del self._is_in_head[slowest]
                with suppress(OSError):  # it hung up itself
                    slowest.shutdown(socket.SHUT_RDWR)  # its thread hears of it, and ends
            self._is_in_head[request] = True
        return True

    def note_head(self, request: socket.socket) -> None:
        """Let it be answered, now that its request is there; raises ConnectionAbortedError when it has no place."""
        with self._lock:
            if request not in self._is_in_head:
                raise ConnectionAbortedError
            self._is_in_head[request] = False

    def _leave(self, request: socket.socket) -> None:
        with self._lock:
            self._is_in_head.pop(request, None)

    def process_request(self, request: socket.socket, address: tuple[str, int]) -> None:  # type: ignore[override]
        """Begin a thread for it, and leave the place to others when there is none to be had."""
        try:
            super().process_request(request, address)
        except BaseException:
            self._leave(request)
            raise

    def process_request_thread(self, request: socket.socket, address: tuple[str, int]) -> None:  # type: ignore[override]
        """Answer, and leave the place to others."""
        try:
            super().process_request_thread(request, address)
        finally:
            self._leave(request)

    def handle_error(self, _request: object, _address: object) -> None:
        """Leave it when somebody hung up or took too long; anything else is a defect."""
        if not isinstance(sys.exception(), OSError):
            log.error("metrics.failed", exc_info=sys.exception())


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def setup(self) -> None:
        """Read with one deadline for all of it: whoever sends a byte now and again would keep the place for ever."""
        super().setup()
        self.rfile = BufferedReader(_Reader(self.connection, "rb"))

    def parse_request(self) -> bool:
        """Read the head; the place is its own from then on."""
        is_understood = super().parse_request()
        self.server.note_head(self.connection)
        return is_understood

    def do_GET(self) -> None:
        """Answer a scrape."""
        if self.path.partition("?")[0] != PATH:
            self._answer(HTTPStatus.NOT_FOUND, f"There is only {PATH} here.\n".encode(), _TEXT)
            return
        try:
            encode, content_type = choose_encoder(self.headers.get("Accept") or "")
        except (TypeError, ValueError):  # a version that is none
            self._answer(HTTPStatus.NOT_ACCEPTABLE, b"Accept names no version that there is.\n", _TEXT)
            return
        self._answer(HTTPStatus.OK, encode(self.server.registry), content_type)

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.connection.settimeout(_PATIENCE_SECONDS)
        self.wfile.write(body)

    def version_string(self) -> str:
        """Name the program, not the library's and Python's versions."""
        return "auth-service"

    def log_message(self, format: str, *arguments: object) -> None:
        """Write no line for each scrape."""


class _Reader(socket.SocketIO):
    """A connection that may be read from until its time is up; raises TimeoutError then."""

    def __init__(self, connection: socket.socket, mode: str) -> None:
        super().__init__(connection, mode)  # type: ignore[arg-type]
        self._connection = connection
        self._until = time.monotonic() + _HEAD_SECONDS

    def readinto(self, buffer: object) -> int | None:
        """Read what is there, or wait for it until then."""
        self._connection.settimeout(max(0.001, self._until - time.monotonic()))
        return super().readinto(buffer)  # type: ignore[arg-type]
