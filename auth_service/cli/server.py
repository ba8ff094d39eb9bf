"""Runs the HTTP server in this process."""

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from auth_service.cli.failures import MISCONFIGURED, fail

_GRACE_SECONDS = 20


def bind(host: str, port: int) -> socket.socket:
    """Take the port before anything else is done, so that a busy one costs nobody a wait."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        line = f"cannot listen on {host}:{port} ({error.strerror}). Choose another port, for example --port {port + 1}"
        raise fail(line, code=MISCONFIGURED) from None
    return listener


def run(app: FastAPI, listener: socket.socket, *, when_ready: Callable[[], None], access_log: bool) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight. Call `when_ready` once requests are answered."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=access_log,
        server_header=False,
        proxy_headers=False,  # X-Forwarded-For is a claim by whoever sends it
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    _Server(config, when_ready).run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._when_ready()
