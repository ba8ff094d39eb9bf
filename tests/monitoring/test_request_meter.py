"""Counting requests: what becomes a label, and how many labels there can be."""

from types import SimpleNamespace
from typing import Any

from auth_service.monitoring.request_meter import RequestMeter


def _scope(method: str = "GET", route: str | None = "/items/{item_id}") -> dict[str, Any]:
    found = {} if route is None else {"route": SimpleNamespace(path=route)}
    return {"method": method, "path": "/items/7", **found}


def test_requests_of_one_route_share_their_labels() -> None:
    meter = RequestMeter()

    for status in (200, 200, 404):
        meter.finished(_scope(), status, 0.02)

    assert meter.counts() == {("/items/{item_id}", "GET", 200): 2, ("/items/{item_id}", "GET", 404): 1}
    timings = meter.timings()["/items/{item_id}", "GET"]
    assert dict(timings.cumulative())["0.01"] == 0
    assert dict(timings.cumulative())["+Inf"] == 3


def test_whatever_a_stranger_asks_for_makes_two_labels_at_most() -> None:
    meter = RequestMeter()

    for number in range(100):
        meter.finished(_scope(method=f"M{number}", route=None), 404, 0.001)
        meter.finished(_scope(method="GET", route=None), 404, 0.001)

    assert meter.counts() == {("(none)", "(other)", 404): 100, ("(none)", "GET", 404): 100}


def test_a_caller_who_was_gone_before_the_answer_is_counted_as_status_0() -> None:
    meter = RequestMeter()

    meter.finished(_scope(), 0, 0.5)

    assert meter.counts() == {("/items/{item_id}", "GET", 0): 1}


def test_a_reader_gets_a_copy_that_nobody_changes() -> None:
    meter = RequestMeter()
    meter.finished(_scope(), 200, 0.1)

    counts, timings = meter.counts(), meter.timings()
    meter.finished(_scope(method="POST"), 201, 0.1)

    assert (len(counts), len(timings)) == (1, 1)
