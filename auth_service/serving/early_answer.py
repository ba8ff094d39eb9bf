"""Answers that are given in the application's place."""

import json
from http import HTTPStatus

from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope

from auth_service.api.middleware import SECURITY_HEADERS

_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.SERVICE_UNAVAILABLE}  # the same request may be answered later


def early_answer(status: HTTPStatus, code: str, detail: str) -> bytes:
    """Return an answer as the application gives it, and the last one of its connection."""
    fields, body = _answer(status, code, detail)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", body]).encode("ascii")


def answering_early(status: HTTPStatus, code: str, detail: str) -> ASGI3Application:
    """Return an application that gives this answer to whatever is asked, when it has been asked."""
    fields, body = _answer(status, code, detail)
    headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in fields.items()]

    async def answer(_scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        while (message := await receive())["type"] == "http.request" and message["more_body"]:
            pass  # who closes at once while the other still sends may destroy the answer on its way
        await send({"type": "http.response.start", "status": status.value, "headers": headers, "trailers": False})
        await send({"type": "http.response.body", "body": body.encode("ascii"), "more_body": False})

    return answer


def _answer(status: HTTPStatus, code: str, detail: str) -> tuple[dict[str, str], str]:
    members = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, "code": code}
    body = json.dumps(members, separators=(",", ":"))
    fields = {name.lower(): value for name, value in SECURITY_HEADERS.items()}
    fields |= {"content-type": "application/problem+json", "content-length": str(len(body))}
    fields |= {"retry-after": "2"} if status in _PASSING else {}
    return fields | {"connection": "close"}, body
