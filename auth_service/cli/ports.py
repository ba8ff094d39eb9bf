"""Takes the ports that a command is told to listen on, or says why it cannot."""

import os
import socket

from auth_service.cli.failures import MISCONFIGURED, fail
from auth_service.serving.server import BACKLOG


def bind(host: str, port: int, *, mend: str = "Choose another --host or --port.") -> socket.socket:
    """Take the port before anything else is done, so that a busy one costs nobody a wait."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # It listens at once: of two processes that only bind, both would get the port.
        both = family is socket.AF_INET6 and socket.has_dualstack_ipv6()
        return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        line = f"cannot listen on {host} port {port}: {reason}. {mend}"
        raise fail(line, code=MISCONFIGURED) from None
