"""An answer that is given in the application's place, before there is a request for it."""

import json
from http import HTTPStatus

from auth_service.api.middleware import SECURITY_HEADERS

_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.SERVICE_UNAVAILABLE}  # the same request may be answered later


def early_answer(status: HTTPStatus, code: str, detail: str) -> bytes:
    """Return an answer as the application gives it, and the last one of its connection."""
    members = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, "code": code}
    body = json.dumps(members, separators=(",", ":"))
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        *(f"{name.lower()}: {value}" for name, value in SECURITY_HEADERS.items()),
        "content-type: application/problem+json",
        f"content-length: {len(body)}",
        *(["retry-after: 2"] if status in _PASSING else []),
        "connection: close",
    ]
    return "\r\n".join([*lines, "", body]).encode("ascii")
