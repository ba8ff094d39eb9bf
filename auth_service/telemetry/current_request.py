"""Which request a log line belongs to: its id, its trace and, once that is known, who calls."""

import re
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

Scope = MutableMapping[str, Any]  # of ASGI

_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_FIRST_VERSION, _FIRST_LENGTH = b"00", 55


class RequestAtHand:
    """Lets log lines be of this request until it is over; what a line says of it is put together when there is a line.

    Connections and tasks that a request opens keep its context for as long as they live. They must not keep its headers
    as well, nor speak in its name.
    """

    __slots__ = ("_before", "scope")

    def __init__(self, scope: Scope) -> None:
        """Begin."""
        self.scope: Scope | None = scope
        self._before = _current.set(self)

    def end(self) -> None:
        """Let go of it, in this context and in every copy."""
        self.scope = None
        _current.reset(self._before)


_current: ContextVar[RequestAtHand | None] = ContextVar("request_at_hand", default=None)


def name_caller(caller: object) -> None:
    """Say whose request this is, by an id: a subject's or a client's, never an address or a name."""
    scope = _scope_at_hand()
    if scope is not None:
        scope["state"]["caller"] = caller


def facts_of_request() -> dict[str, str]:
    """Return what a log line says of the request at hand; nothing where there is none."""
    scope = _scope_at_hand()
    if scope is None:
        return {}
    state = scope["state"]
    facts = {
        "request_id": state.get("request_id"),
        "trace_id": state.get("trace_id") or trace_id_of(scope),
        "caller": state.get("caller"),
    }
    return {name: str(value) for name, value in facts.items() if value is not None}


def _scope_at_hand() -> Scope | None:
    request = _current.get()
    return None if request is None else request.scope


def trace_id_of(scope: Scope) -> str | None:
    """Return the trace that the caller's request belongs to, if it says so as W3C Trace Context section 3.2 wants."""
    given = [value for name, value in scope["headers"] if name == b"traceparent"]
    found = _TRACEPARENT.fullmatch(given[0]) if len(given) == 1 else None
    if found is None or (given[0].startswith(_FIRST_VERSION) and len(given[0]) != _FIRST_LENGTH):
        return None
    return found[1].decode()
