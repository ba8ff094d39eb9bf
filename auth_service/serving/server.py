"""Runs the HTTP server in this process."""

import asyncio
import gc
import resource
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any

import structlog
import uvicorn

from auth_service.serving.connection import Connection, Connections
from auth_service.serving.connection_limits import ConnectionLimits
from auth_service.settings import HttpSettings
from auth_service.telemetry.connection_tally import ConnectionTally

log = structlog.get_logger()

Application = Callable[..., Any]  # ASGI
Act = Callable[[], None]

GRACE_SECONDS = 20
BACKLOG = 2048
_OTHER_DESCRIPTORS = 256
_WATCH_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Moments:
    """Who is told what becomes of the server: it answers, it was told to stop, it waits for what is in flight."""

    when_ready: Act
    when_told_to_stop: Act
    when_stopping: Act


def run(
    app: Application, listener: socket.socket, settings: HttpSettings, moments: Moments, *, tally: ConnectionTally
) -> None:
    """Serve until SIGTERM or SIGINT, go on for as long as `drain_delay` says, then finish what is in flight.

    The server raises the signal that ended it once more, when all is done: being told to stop is no failure.
    """
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # it would write paths, and there are tokens in those
        server_header=False,
        proxy_headers=False,  # X-Forwarded-For is a claim by whoever sends it
        backlog=BACKLOG,
        timeout_keep_alive=settings.keep_alive_timeout.total_seconds(),  # type: ignore[arg-type] # a timer's delay
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    config.load()
    connections = Connections(_limits(settings), tally)
    config.http_protocol_class = partial(Connection, all_of_them=connections)  # type: ignore[assignment]
    _Server(config, connections, moments, drain_seconds=settings.drain_delay.total_seconds()).run(sockets=[listener])


def _limits(settings: HttpSettings) -> ConnectionLimits:
    """Return what a client may do; each connection is a descriptor, and some are needed for the database."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    most = settings.max_connections if hard == resource.RLIM_INFINITY else max(1, hard - _OTHER_DESCRIPTORS)
    return ConnectionLimits(
        receive_seconds=settings.receive_timeout.total_seconds(),
        idle_seconds=settings.keep_alive_timeout.total_seconds(),
        connections=min(settings.max_connections, most),
        body_bytes=settings.max_body_bytes,
    )


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, connections: Connections, moments: Moments, *, drain_seconds: float
    ) -> None:
        super().__init__(config)
        self._connections = connections
        self._moments = moments
        self._drain_seconds = drain_seconds
        self._drained_at: float | None = None
        self._watching: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._watching = asyncio.create_task(self._cut_off_slow_clients())
            gc.collect()
            gc.freeze()  # what is there now stays: to look through it again would be a pause of a tenth of a second
            self._moments.when_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Turn readiness red before anything else; the rest is done by the loop, a moment later."""
        if self.started:
            self._connections.is_draining = True
            self._moments.when_told_to_stop()
        super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Go on for a while after the signal: those who send requests here have to notice that they should not."""
        if not await super().on_tick(counter):
            return False
        now = asyncio.get_running_loop().time()
        if self._drained_at is None:
            self._drained_at = now + self._drain_seconds
            self._drain()
        return self.force_exit or now >= self._drained_at

    def _drain(self) -> None:
        """Make the answers that are in work the last ones of their connections too, so that clients go elsewhere."""
        if self._drain_seconds:
            log.info("service.draining", seconds=self._drain_seconds)
        for connection in list(self.server_state.connections):
            if isinstance(connection, Connection):
                connection.drain()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._moments.when_stopping()
        await super().shutdown(sockets)
        if self._watching is not None:
            self._watching.cancel()

    async def _cut_off_slow_clients(self) -> None:
        """Look at all who are waited for, now and again: a timer for each would cost every request one."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            for connection in self._connections.places.overdue(asyncio.get_running_loop().time()):
                connection.cut_off()
