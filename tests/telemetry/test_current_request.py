"""What a log line says of the request at hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any
from uuid import UUID

import pytest

from auth_service.telemetry.current_request import RequestAtHand, facts_of_request, name_caller, trace_id_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


@contextmanager
def _request(*traceparents: str, **state: object) -> Iterator[None]:
    request = RequestAtHand(_scope(*traceparents, **state))
    try:
        yield
    finally:
        request.end()


def _scope(*traceparents: str, **state: object) -> dict[str, Any]:
    headers = [(b"host", b"auth.example.com"), *((b"traceparent", each.encode()) for each in traceparents)]
    return {"headers": headers, "state": state}


def test_outside_a_request_a_line_says_nothing_of_one() -> None:
    name_caller("client_orders")

    assert facts_of_request() == {}


def test_inside_a_request_a_line_says_its_id_its_trace_and_who_calls() -> None:
    subject = UUID(int=7)
    with _request(GOOD, request_id="r1"):
        before = facts_of_request()
        name_caller(subject)
        after = facts_of_request()

    assert before == {"request_id": "r1", "trace_id": TRACE}
    assert after == {"request_id": "r1", "trace_id": TRACE, "caller": str(subject)}


def test_what_a_request_leaves_behind_does_not_speak_in_its_name() -> None:
    with _request(GOOD, request_id="r1"):
        left_behind = copy_context()
        meanwhile = left_behind.run(facts_of_request)

    assert meanwhile["request_id"] == "r1"
    assert left_behind.run(facts_of_request) == {}


def test_a_trace_of_our_own_comes_before_what_the_caller_says() -> None:
    with _request(GOOD, request_id="r1", trace_id="0" * 31 + "7"):
        facts = facts_of_request()

    assert facts["trace_id"] == "0" * 31 + "7"


@pytest.mark.parametrize("traceparent", [GOOD, f"00-{TRACE}-{SPAN}-00", f"cc-{TRACE}-{SPAN}-01-what-comes-later"])
def test_a_trace_is_taken_over_as_the_standard_says(traceparent: str) -> None:
    assert trace_id_of(_scope(traceparent)) == TRACE


@pytest.mark.parametrize(
    "traceparents",
    [
        pytest.param([], id="none"),
        pytest.param([GOOD, GOOD], id="two"),
        pytest.param([""], id="empty"),
        pytest.param([f"00-{'0' * 32}-{SPAN}-01"], id="a trace of zeros"),
        pytest.param([f"00-{TRACE}-{'0' * 16}-01"], id="a span of zeros"),
        pytest.param([f"ff-{TRACE}-{SPAN}-01"], id="a version that there is not"),
        pytest.param([f"00-{TRACE}-{SPAN}-01-more"], id="more than version 00 has"),
        pytest.param([GOOD.upper()], id="capitals"),
        pytest.param([f"00-{TRACE[:-1]}-{SPAN}-01"], id="too short"),
        pytest.param([f'00-{TRACE[:-1]}"-{SPAN}-01'], id="no hexadecimal digit"),
        pytest.param([f"{GOOD}\n"], id="a line end"),
        pytest.param([f"cc-{TRACE}-{SPAN}-01\nsomething"], id="a line end in a later version"),
    ],
)
def test_whatever_else_a_stranger_sends_is_no_trace(traceparents: list[str]) -> None:
    assert trace_id_of(_scope(*traceparents)) is None
