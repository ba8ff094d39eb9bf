"""Which request a log line belongs to: its id, its trace and, once that is known, who calls."""

import re
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

current_request: ContextVar[MutableMapping[str, Any] | None] = ContextVar("current_request", default=None)
"""The ASGI scope of the request at hand. What a line says of it is only put together when there is a line."""

_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_FIRST_VERSION, _FIRST_LENGTH = b"00", 55


def name_caller(caller: object) -> None:
    """Say whose request this is, by an id: a subject's or a client's, never an address or a name."""
    scope = current_request.get()
    if scope is not None:
        scope["state"]["caller"] = caller


def facts_of_request() -> dict[str, str]:
    """Return what a log line says of the request at hand; nothing where there is none."""
    scope = current_request.get()
    if scope is None:
        return {}
    state = scope["state"]
    facts = {
        "request_id": state.get("request_id"),
        "trace_id": state.get("trace_id") or trace_id_of(scope),
        "caller": state.get("caller"),
    }
    return {name: str(value) for name, value in facts.items() if value is not None}


def trace_id_of(scope: MutableMapping[str, Any]) -> str | None:
    """Return the trace that the caller's request belongs to, if it says so as W3C Trace Context section 3.2 wants."""
    given = [value for name, value in scope["headers"] if name == b"traceparent"]
    found = _TRACEPARENT.fullmatch(given[0]) if len(given) == 1 else None
    if found is None or (given[0].startswith(_FIRST_VERSION) and len(given[0]) != _FIRST_LENGTH):
        return None
    return found[1].decode()
