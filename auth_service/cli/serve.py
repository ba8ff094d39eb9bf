"""`serve`: the service for real, on strict settings."""

import asyncio
import socket
from collections.abc import Sequence
from functools import partial

import structlog

from auth_service.app import create_app, let_waiters_go, serve_metrics, turn_readiness_red
from auth_service.authenticators.throttle_settings import MEMORY
from auth_service.cli.configuration import ConfigurationError, load_strict_settings
from auth_service.cli.failures import failing_clearly
from auth_service.cli.logs import configure_logs
from auth_service.cli.metrics import metrics_ports
from auth_service.cli.ports import bind
from auth_service.cli.workers import Link, Workers
from auth_service.serving.server import Act, Moments, run
from auth_service.settings import Settings
from auth_service.wiring.runtime import Runtime

log = structlog.get_logger()


def run_serve(*, host: str, port: int, workers: int) -> None:
    """Check everything that can be checked before the first request, then serve."""
    with failing_clearly():
        settings = settings_of_each(load_strict_settings(), workers=workers)
        if settings.mail.is_on:
            from auth_service.cli.mail_check import check_templates  # noqa: PLC0415 - 2 MB for whom it serves

            check_templates(settings)
    address = {"host": host, "port": port, "issuer": settings.tokens.issuer}
    with bind(host, port) as listener, metrics_ports(settings.metrics, workers=workers) as metrics:
        if workers == 1:
            with failing_clearly():
                asyncio.run(_check(settings))
            configure_logs(as_json=True)
            ready = partial(log.info, "service.ready", **address)
            serve_application(settings, listener, metrics, when_ready=ready)
            return
        configure_logs(as_json=True)
        together = Workers(
            workers,
            lambda link: _work(settings, listener, metrics[link.place : link.place + 1], link),
            drain_delay=settings.http.drain_delay,
        )
        together.run(listener, when_ready=lambda: log.info("service.ready", **address, workers=workers))


def settings_of_each(settings: Settings, *, workers: int) -> Settings:
    """Return the settings of one of so many processes; raises ConfigurationError for what only one process may have.

    The cores are shared: unless the operator says how many hashes are computed at once, each process computes its part.
    """
    if workers > 1 and settings.throttle.storage.get_secret_value() == MEMORY:
        reason = (
            f"each of the {workers} processes would count by itself, and every limit would be {workers} times as high"
        )
        raise ConfigurationError([f"AUTH_THROTTLE__STORAGE: {reason}. Example: AUTH_THROTTLE__STORAGE=database"])
    if "workers" in settings.hashing.model_fields_set:
        return settings
    part = max(1, settings.hashing.workers // workers)
    return settings.model_copy(update={"hashing": settings.hashing.model_copy(update={"workers": part})})


def _work(settings: Settings, listener: socket.socket, metrics: Sequence[socket.socket], link: Link) -> None:
    """Be one of several processes."""
    with failing_clearly(tell=link.report_fault):
        asyncio.run(_check(settings))
    serve_application(settings, listener, metrics, when_ready=link.report_ready)


def serve_application(
    settings: Settings, listener: socket.socket, metrics: Sequence[socket.socket], *, when_ready: Act
) -> None:
    """Make the application of this process, and serve it until the process is told to stop."""
    app = create_app(settings)

    def ready() -> None:
        serve_metrics(app, metrics)
        when_ready()

    moments = Moments(
        when_ready=ready,
        when_told_to_stop=lambda: turn_readiness_red(app),
        when_stopping=lambda: let_waiters_go(app),
    )
    run(app, listener, settings.http, moments, tally=app.state.request_meter.connections)


async def _check(settings: Settings) -> None:
    """Find out now, in one line, what would otherwise be a traceback in the middle of the start."""
    async with Runtime(settings) as runtime:
        await runtime.check_readiness()
        await runtime.load_keys()
