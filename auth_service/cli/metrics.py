"""Takes the ports of the metrics before anything is served."""

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from auth_service.cli.failures import MISCONFIGURED, fail
from auth_service.cli.ports import bind
from auth_service.telemetry.settings import MetricsSettings

_LAST_PORT = 65_535


@contextmanager
def metrics_ports(settings: MetricsSettings, *, workers: int) -> Iterator[Sequence[socket.socket]]:
    """Yield a listening socket for each worker, or none where metrics are off.

    Each worker has a port of its own: Prometheus then asks every one of them, and knows when one began to count anew.
    Raises typer.Exit when a port is taken.
    """
    if settings.port is None:
        yield ()
        return
    if settings.port + workers - 1 > _LAST_PORT:
        reason = f"{workers} workers need as many ports from this one on, and the last port is {_LAST_PORT}"
        raise fail(f"AUTH_METRICS__PORT: {reason}. Example: AUTH_METRICS__PORT=9464", code=MISCONFIGURED)
    with ExitStack() as held:
        yield [
            held.enter_context(bind(settings.host, settings.port + place, mend="Choose another AUTH_METRICS__PORT."))
            for place in range(workers)
        ]
