"""Traces: one span for a request, which says where and how long and nothing that is secret; none where it is off."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from auth_service.app import create_app
from auth_service.monitoring import tracing
from auth_service.monitoring.telemetry_config import telemetry_of
from auth_service.settings import Settings
from auth_service.telemetry.current_request import facts_of_request
from tests.support.commands import ROOT
from tests.support.edge import add_failures
from tests.support.settings import make_settings

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector(InMemorySpanExporter):
    """A collector in memory, which takes the place of the one at the endpoint."""

    def spans(self) -> list[ReadableSpan]:
        return list(self.get_finished_spans())


class Hanging(InMemorySpanExporter):
    """A collector that takes as long to part from as somebody wants."""

    def __init__(self) -> None:
        super().__init__()
        self.was_told, self.may_end, self.is_done = Event(), Event(), False

    def shutdown(self) -> None:
        self.was_told.set()
        self.may_end.wait(20)
        self.is_done = True


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Collector:
    made = Collector()
    monkeypatch.setattr(tracing, "OTLPSpanExporter", lambda *_arguments, **_more: made)
    return made


def _settings(*, trusted_hops: int = 1, **changes: object) -> Settings:
    traced: dict[str, object] = {"endpoint": "http://127.0.0.1:1/v1/traces", "sample_ratio": 1, **changes}
    return make_settings("sqlite:///never-opened.db", tracing=traced, http={"trusted_hops": trusted_hops})


@asynccontextmanager
async def _client(settings: Settings, error: Exception | None = None) -> AsyncIterator[AsyncClient]:
    """Yield a client of an application without a database; what waits to be sent is sent at the end of the block."""
    app = create_app(settings)
    add_failures(app, error or RuntimeError())

    async def logged() -> dict[str, str]:
        return facts_of_request()

    app.add_api_route("/logged", logged)
    telemetry = app._native_telemetry.config["tracer_provider"]
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://auth.test") as client:
        yield client
    if telemetry is not None:
        telemetry.shutdown()  # type: ignore[attr-defined]


def _attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_request_is_one_span_that_says_its_route_and_status(collector: Collector) -> None:
    async with _client(_settings()) as client:
        await client.get("/livez")
        await client.get("/items/018f0000-0000-7000-8000-000000000000/nothing")
        await client.get("/logged")

    *_, span = spans = collector.spans()
    assert [each.name for each in spans] == ["GET", "GET /logged"]  # and none for a probe
    assert (_attributes(span)["http.route"], _attributes(span)["http.response.status_code"]) == ("/logged", 200)
    assert span.resource.attributes["service.name"] == "auth-service"


async def test_no_path_no_query_and_no_host_leaves(collector: Collector) -> None:
    async with _client(_settings()) as client:
        await client.get("/logged?token=a-one-time-token&query=ann%40example.com")
        await client.get("/users/a-one-time-token", headers={"Host": "a-strangers-text.test"})

    sent = [span.to_json() for span in collector.spans()]
    assert "a-one-time-token" not in str(sent)
    assert "ann" not in str(sent)
    assert _attributes(collector.spans()[0])["url.query"] == "REDACTED"
    assert "a-strangers-text" not in str(sent)
    assert [_attributes(span)["http.route"] for span in collector.spans()] == ["/logged", "/users/{user_id}"]


async def test_what_is_long_is_cut(collector: Collector) -> None:
    async with _client(_settings()) as client:
        await client.request("A" * 4000, "/logged")

    [span] = collector.spans()
    assert len(_attributes(span)["http.request.method_original"]) == 256


@pytest.mark.parametrize(("trusted_hops", "begun_there"), [(0, False), (1, True)])
async def test_a_strangers_trace_begins_here_and_the_state_of_a_trace_never_leaves(
    collector: Collector, trusted_hops: int, *, begun_there: bool
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=a-strangers-text"}
    async with _client(_settings(trusted_hops=trusted_hops)) as client:
        logged = (await client.get("/logged", headers=headers)).json()["trace_id"]

    [span] = collector.spans()
    assert "a-strangers-text" not in span.to_json()
    assert (span.parent is not None, TRACE in span.to_json(), logged == TRACE) == (begun_there,) * 3


async def test_a_stranger_does_not_decide_what_is_traced(collector: Collector) -> None:
    async with _client(_settings(trusted_hops=0, sample_ratio=0)) as client:
        await client.get("/logged", headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})

    assert collector.spans() == []


@pytest.mark.usefixtures("collector")
def test_the_framework_is_asked_for_spans_and_for_nothing_else() -> None:
    config = telemetry_of(_settings().tracing, trusted_hops=0).config

    asked = {name for name, value in config.items() if value is True}
    assert asked == {"tracing"}
    assert {"metrics", "logs", "auto_configure", "operation_spans"} <= config.keys()  # their defaults are not all off


async def test_of_a_fault_only_its_type_leaves(collector: Collector) -> None:
    async with _client(_settings(), RuntimeError("the row of ann@example.com")) as client:
        answer = await client.get("/fails")

    [span] = collector.spans()
    assert answer.status_code == 500
    assert _attributes(span)["http.response.status_code"] == 500
    assert "ann@example.com" not in span.to_json()
    assert list(span.events) == []


async def test_a_log_line_names_the_trace_of_its_span(collector: Collector) -> None:
    async with _client(_settings()) as client:
        begun_here = (await client.get("/logged")).json()["trace_id"]
        begun_there = (await client.get("/logged", headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})).json()["trace_id"]

    contexts = [span.context for span in collector.spans()]
    assert [f"{context.trace_id:032x}" for context in contexts if context] == [begun_here, begun_there]
    assert begun_there == TRACE


@pytest.mark.parametrize(
    ("ratio", "flags", "count"), [(0, "01", 1), (1, "00", 0), (0, None, 0), (1, None, 1), (0, "a stranger's text", 0)]
)
async def test_who_is_traced_is_the_callers_decision_and_by_default_a_part(
    collector: Collector, ratio: float, flags: str | None, count: int
) -> None:
    headers = {} if flags is None else {"traceparent": f"00-{TRACE}-{SPAN}-{flags}"}
    async with _client(_settings(sample_ratio=ratio)) as client:
        await client.get("/logged", headers=headers)

    assert len(collector.spans()) == count


async def test_where_tracing_is_off_nothing_is_sent_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    app = create_app(make_settings("sqlite:///never-opened.db"))

    config = app._native_telemetry.config
    assert {name for name, value in config.items() if value is True} <= {"operation_spans"}


def test_where_it_is_off_neither_prometheus_nor_the_sdk_of_opentelemetry_is_loaded() -> None:
    program = (
        "import sys\n"
        "from auth_service.app import create_app\n"
        "from tests.support.settings import make_settings\n"
        "create_app(make_settings('sqlite:///never-opened.db'))\n"
        "print([name for name in sys.modules if name.startswith(('prometheus_client', 'opentelemetry.sdk'))])\n"
    )

    finished = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert finished.stdout == "[]\n"


async def test_a_collector_that_is_away_keeps_nobody_from_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_GOODBYE_SECONDS", 0.01)
    monkeypatch.setattr(tracing, "_EXPORT_SECONDS", 0.01)
    hanging = Hanging()
    monkeypatch.setattr(tracing, "OTLPSpanExporter", lambda *_arguments, **_more: hanging)

    async with tracing.Tracing(_settings().tracing, trusted_hops=0):
        pass  # on the way out it says goodbye

    assert hanging.was_told.wait(10)
    assert not hanging.is_done
    hanging.may_end.set()
