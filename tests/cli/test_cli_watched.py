"""`serve` seen from outside: its metrics on ports of their own, its log lines, and where its traces may go."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from auth_service.cli.configuration import ConfigurationError, load_settings
from tests.support.commands import Operator, Program
from tests.support.metrics import scrape
from tests.support.ports import free_port
from tests.support.service import PASSWORD

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
LIVE = {"method": "GET", "route": "/livez", "status": "200"}


def _free_ports_in_a_row(count: int) -> int:
    """Return the first of so many ports that are free now."""
    while True:
        first = free_port()
        with ExitStack() as held:
            try:
                for place in range(count):
                    held.enter_context(socket.create_server(("127.0.0.1", first + place)))
            except (OSError, OverflowError):
                continue
            return first


@contextmanager
def _serving(
    operator: Operator, *options: str, **variables: str
) -> Iterator[tuple[Program, int, list[dict[str, Any]]]]:
    """Yield the program, its port and what it has logged until it was ready."""
    operator.run("migrate")
    port = free_port()
    with operator.start("serve", "--port", str(port), *options, **variables) as program:
        yield program, port, [json.loads(line) for line in program.ready("service.ready").splitlines()]


def _next(program: Program, event: str) -> dict[str, Any]:
    for line in program.process.stderr or ():
        logged: dict[str, Any] = json.loads(line)
        if logged["event"] == event:
            return logged
    raise AssertionError(event)


def test_the_metrics_have_a_port_of_their_own_and_the_service_has_none_of_them(operator: Operator) -> None:
    metrics_port = free_port()

    with _serving(operator, AUTH_METRICS__PORT=str(metrics_port)) as (program, port, _):
        statuses = [httpx.get(f"http://127.0.0.1:{port}{path}").status_code for path in ("/livez", "/metrics")]
        scraped = scrape(metrics_port)
        outcome = program.stop(signal.SIGTERM)

    assert statuses == [200, 404]
    assert scraped.value("http_requests_total", **LIVE) == 1
    assert scraped.value("http_requests_total", method="GET", route="(none)", status="404") == 1
    assert (outcome.code, outcome.stdout) == (0, "")
    operator.check(outcome)


def test_each_worker_has_a_port_and_together_they_have_counted_everything(operator: Operator) -> None:
    first = _free_ports_in_a_row(2)

    with _serving(operator, "--workers", "2", AUTH_METRICS__PORT=str(first)) as (program, port, _):
        for _number in range(20):
            httpx.get(f"http://127.0.0.1:{port}/livez")
        counted = [scrape(first + place).value("http_requests_total", **LIVE) for place in range(2)]
        outcome = program.stop(signal.SIGTERM)

    assert sum(count or 0 for count in counted) == 20
    assert outcome.code == 0


def test_a_worker_that_is_replaced_leaves_its_port_to_its_successor(operator: Operator) -> None:
    first = _free_ports_in_a_row(2)

    with _serving(operator, "--workers", "2", AUTH_METRICS__PORT=str(first)) as (program, _, logged):
        before = [_started(first + place) for place in range(2)]
        killed = next(event["worker"] for event in logged if event["event"] == "worker.ready")
        os.kill(killed, signal.SIGKILL)
        _next(program, "worker.ready")
        after = [_started(first + place) for place in range(2)]
        outcome = program.stop(signal.SIGTERM)

    assert [old == new for old, new in zip(before, after, strict=True)].count(True) == 1
    assert outcome.code == 0


def _started(port: int) -> float:
    samples = [sample for family in scrape(port).families for sample in family.samples]
    return next(sample.value for sample in samples if sample.name == "process_start_time_seconds")


def test_a_port_that_is_taken_ends_it_in_one_line(operator: Operator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = operator.run("serve", AUTH_METRICS__PORT=str(port))

    line = f"cannot listen on 127.0.0.1 port {port}: Address already in use. Choose another AUTH_METRICS__PORT."
    assert (outcome.code, outcome.stderr) == (2, f"auth-service: {line}\n")


def test_workers_for_whom_there_are_not_enough_ports_end_it_in_one_line(operator: Operator) -> None:
    outcome = operator.run("serve", "--workers", "3", AUTH_METRICS__PORT="65534")

    assert outcome.code == 2
    assert outcome.stderr.startswith("auth-service: AUTH_METRICS__PORT: 3 workers need as many ports from this one on")


def test_a_line_of_a_request_says_which_one_it_was_and_who_called(operator: Operator) -> None:
    operator.run("migrate")
    operator.run("create-admin", "--email", "root@example.com", "--password-stdin", stdin=f"{PASSWORD}\n")
    form = {"grant_type": "password", "username": "root@example.com", "password": PASSWORD}

    with _serving(operator, AUTH_HTTP__ACCESS_LOG="true") as (program, port, _):
        url = f"http://127.0.0.1:{port}"
        token = httpx.post(f"{url}/oauth/token", data=form).json()["access_token"]
        signed_in = _next(program, "request.finished")
        headers = {"Authorization": f"Bearer {token}", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
        answer = httpx.get(f"{url}/users/me?secret=of-somebody", headers=headers)
        asked = _next(program, "request.finished")
        httpx.get(f"{url}/users/me", headers={"Authorization": "Bearer x", "X-Request-ID": "given"})
        refused = _next(program, "access_token.refused")

    assert (signed_in["caller"], signed_in["route"], signed_in["status"]) == (
        "client_first_party",
        "/oauth/token",
        200,
    )
    assert asked["caller"] == answer.json()["id"]
    assert asked["trace_id"] == TRACE
    assert asked["request_id"] == answer.headers["X-Request-ID"]
    assert "of-somebody" not in json.dumps(asked)
    assert refused["request_id"] == "given"
    assert "caller" not in refused


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        ("collector:4318", "it is not an http or https URL"),
        ("http:///v1/traces", "it is not an http or https URL"),
        ("http://ann:secret@collector/v1/traces", "a URL ends up in logs: say who is sending by OTEL_EXPORTER"),
    ],
)
def test_an_endpoint_that_cannot_be_used_is_refused_in_one_line(operator: Operator, endpoint: str, reason: str) -> None:
    outcome = operator.run("serve", AUTH_TRACING__ENDPOINT=endpoint)

    assert outcome.code == 2
    assert outcome.stderr.startswith(f"auth-service: AUTH_TRACING__ENDPOINT: {reason}")
    assert "secret" not in outcome.stderr


def test_without_the_packages_for_it_an_endpoint_is_refused_with_what_to_do(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auth_service.cli.configuration._TRACING_PACKAGE", "opentelemetry.not_there")
    for name, value in {**operator.environment, "AUTH_TRACING__ENDPOINT": "http://collector/v1/traces"}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError) as refused:
        load_settings()

    reason = "the packages that send traces are not installed"
    assert refused.value.lines == [f"AUTH_TRACING__ENDPOINT: {reason}. Install them: pip install 'auth-service[otel]'"]
