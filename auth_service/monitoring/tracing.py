"""Traces of requests by OpenTelemetry, for whoever names a collector (the extra `otel`); a span has no secret in it."""

import asyncio
import random
import threading
from collections.abc import MutableMapping
from typing import Any, Self

from fastapi.telemetry import TelemetryConfig
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import get_current_span
from starlette.types import ASGIApp, Receive, Scope, Send

from auth_service.telemetry.current_request import trace_id_of
from auth_service.telemetry.settings import TracingSettings
from auth_service.version import VERSION

_EXPORT_SECONDS = 5.0
_GOODBYE_SECONDS = 1.0
_LONGEST_VALUE = 256
_SCRUBBED = frozenset({"url.path", "url.query", "server.address"})
_PROBES = frozenset({"/livez", "/readyz"})


class Tracing:
    """Sends a span for each sampled request. A context manager, which sends what is left, but not at any price.

    The framework starts the spans. What it would send besides, the text of exceptions and its own metrics, stays here.
    """

    def __init__(self, settings: TracingSettings, *, trusted_hops: int) -> None:
        """Send to the endpoint of the settings; without a trusted hop every caller is a stranger."""
        self._unread = {b"tracestate"} if trusted_hops else {b"tracestate", b"traceparent"}
        self._ratio = settings.sample_ratio
        self._provider = TracerProvider(
            sampler=ParentBased(ALWAYS_ON),
            resource=Resource.create({"service.name": "auth-service", "service.version": VERSION}),
            span_limits=SpanLimits(max_span_attribute_length=_LONGEST_VALUE),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(_Scrubber())
        exporter = OTLPSpanExporter(settings.endpoint, timeout=_EXPORT_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self.config: TelemetryConfig = {
            "tracer_provider": self._provider,
            "tracing": True,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
            "exclude": self._is_left_out,
        }

    def _is_left_out(self, scope: MutableMapping[str, Any]) -> bool:
        """Decide here whether to begin a trace: the framework does all of its work before its sampler is asked.

        Here as well, because the framework reads them next, go the headers by which a stranger would decide what is
        traced and put text of their own into what is sent.
        """
        if scope.get("path") in _PROBES:
            return True
        scope["headers"] = [header for header in scope["headers"] if header[0] not in self._unread]
        return trace_id_of(scope) is None and random.random() >= self._ratio  # noqa: S311 - nobody gains by guessing it

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        """Wait a moment for the collector: one that is away must not keep the process from stopping."""
        goodbye = threading.Thread(target=self._provider.shutdown, daemon=True)
        goodbye.start()
        await asyncio.to_thread(goodbye.join, _GOODBYE_SECONDS)


class TraceIdMiddleware:
    """Lets the log lines of a request name the trace that its span belongs to."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        span = get_current_span().get_span_context()
        if scope["type"] == "http" and span.is_valid:
            scope.setdefault("state", {})["trace_id"] = f"{span.trace_id:032x}"
        await self._app(scope, receive, send)


class _Scrubber(SpanProcessor):
    """Takes path and query out of every span: ids, searches for people, and tokens that somebody put there by mistake.

    With them goes what the caller calls this host, which is any text. The route stays: the framework adds it once it is
    found.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002 - the base class's
        for name in _SCRUBBED & (span.attributes or {}).keys():
            span.set_attribute(name, "REDACTED")
