"""What the framework is told about OpenTelemetry: nothing at all, unless an operator names a collector."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp

from auth_service.telemetry.settings import TracingSettings


def _off() -> TelemetryConfig:
    return {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The framework's own configuration, what is sent while the application lives, and the middleware for its logs.

    By default all of it is off, whatever the environment says: left to itself the framework sends queries, and the text
    of exceptions, as soon as FASTAPI_OTEL_AUTO_CONFIGURE or another library says where to.
    """

    config: TelemetryConfig = field(default_factory=_off)
    sending: AbstractAsyncContextManager[object] = field(default_factory=nullcontext)
    middleware: Sequence[Callable[[ASGIApp], ASGIApp]] = ()


def telemetry_of(settings: TracingSettings, *, trusted_hops: int) -> Telemetry:
    """Return what the settings ask for; `trusted_hops` as in the settings of HTTP."""
    if settings.endpoint is None:
        return Telemetry()
    from auth_service.monitoring.tracing import TraceIdMiddleware, Tracing  # noqa: PLC0415 - an extra

    tracing = Tracing(settings, trusted_hops=trusted_hops)
    return Telemetry(tracing.config, tracing, (TraceIdMiddleware,))
