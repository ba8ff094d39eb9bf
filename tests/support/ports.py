"""Ports of 127.0.0.1 for servers that a test starts."""

import secrets
import socket
from contextlib import closing, suppress


def free_port() -> int:
    """Return a port below those that the kernel hands to connections, one of which might take it meanwhile."""
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
