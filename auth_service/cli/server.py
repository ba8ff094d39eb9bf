"""Runs the HTTP server in this process."""

import gc
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

import uvicorn

from auth_service.cli.failures import MISCONFIGURED, fail

Application = Callable[..., Any]  # ASGI
Act = Callable[[], None]

_GRACE_SECONDS = 20
_BACKLOG = 2048


def bind(host: str, port: int, *, mend: str = "Choose another --host or --port.") -> socket.socket:
    """Take the port before anything else is done, so that a busy one costs nobody a wait."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # It listens at once: of two processes that only bind, both would get the port.
        both = family is socket.AF_INET6 and socket.has_dualstack_ipv6()
        return socket.create_server((host, port), family=family, backlog=_BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        line = f"cannot listen on {host} port {port}: {reason}. {mend}"
        raise fail(line, code=MISCONFIGURED) from None


def run(app: Application, listener: socket.socket, *, when_ready: Act, when_stopping: Act, access_log: bool) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight.

    Call `when_ready` once requests are answered, and `when_stopping` when those in flight should come to an end.

    The server raises the signal that ended it once more, when all is done: being told to stop is no failure.
    """
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=access_log,
        server_header=False,
        proxy_headers=False,  # X-Forwarded-For is a claim by whoever sends it
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    _Server(config, when_ready, when_stopping).run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, when_ready: Act, when_stopping: Act) -> None:
        super().__init__(config)
        self._when_ready = when_ready
        self._when_stopping = when_stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            gc.collect()
            gc.freeze()  # what is there now stays: to look through it again would be a pause of a tenth of a second
            self._when_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._when_stopping()
        await super().shutdown(sockets)
