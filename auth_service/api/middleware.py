"""The outermost layers: request ids, headers on what is sent, limits on what is read, and the last word on a fault.

Both are plain ASGI, because a `BaseHTTPMiddleware` costs two thirds of the throughput of a small route. They are two,
because CORS stands between them: its preflight answers need the headers, and what the limits refuse needs CORS.
"""

import re
import secrets
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth_service.api.problems import describe_request, internal_error, refusal
from auth_service.telemetry.current_request import RequestAtHand

MAX_HEADER_BYTES = 32_768
MAX_TARGET_BYTES = 8_192
_MAX_DIGITS = 19
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}

log = structlog.get_logger()

Finished = Callable[[Scope, int, float], None]
"""Told of each request that is over: its status, 0 when nobody waited for an answer, and how many seconds it took."""


class HeadersMiddleware:
    """Gives every request an id, for its log lines as well, and every answer that id and the security headers."""

    def __init__(self, app: ASGIApp, *, https: bool, told: Sequence[Finished] = ()) -> None:
        """Wrap `app`; `https` says that browsers must never come back without TLS."""
        self._app = app
        self._told = told
        headers = {**SECURITY_HEADERS}
        if https:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        self._headers = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(_field(scope, b"x-request-id"))
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = list(message["headers"])
                named = {name for name, _ in headers}
                headers += [field for field in self._headers if field[0] not in named]
                headers.append((b"x-request-id", request_id.encode("ascii")))
            await send(message)

        request = RequestAtHand(scope)
        began = time.perf_counter() if self._told else 0.0
        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            for tell in self._told:
                tell(scope, status, time.perf_counter() - began)
            request.end()


def _field(scope: Scope, name: bytes) -> str:
    """Return the first header field of this name, which is in small letters, or nothing."""
    return next((value.decode("latin-1") for each, value in scope["headers"] if each == name), "")


def _request_id(given: str) -> str:
    """Keep the id that the caller gave, if it is one that a log line can hold: it finds lines and proves nothing."""
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


class LimitsMiddleware:
    """Refuses what is too large before anything reads it, and answers for whatever nobody else caught.

    The body is counted here: the framework's own limit stands outside all other middleware, so that its answers would
    lack their headers.
    """

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        """Wrap `app`."""
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        app = self._refusal(scope) or self._app
        try:
            await app(scope, self._counted(receive), watched_send)
        except ClientDisconnect:
            return  # who hung up waits for no answer, and it is no fault of ours
        except Exception:
            log.exception("request.failed", **describe_request(scope))
            if started:
                raise
            await internal_error(scope)(scope, receive, send)

    def _counted(self, receive: Receive) -> Receive:
        """Count what arrives: a chunked body announces no length. An HTTPException is what the framework lets pass."""
        received = 0

        async def counted_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body_bytes:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._body_too_large)
            return message

        return counted_receive

    def _refusal(self, scope: Scope) -> Response | None:
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            detail = f"All headers together may have {MAX_HEADER_BYTES} bytes."
            return refusal(scope, status, "headers_too_large", detail)
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET_BYTES:
            detail = f"A URL may have {MAX_TARGET_BYTES} bytes."
            return refusal(scope, HTTPStatus.REQUEST_URI_TOO_LONG, "uri_too_long", detail)
        if _announced_length(scope) > self._max_body_bytes:
            return refusal(scope, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", self._body_too_large)
        return None

    @property
    def _body_too_large(self) -> str:
        return f"A request body may have {self._max_body_bytes} bytes."


def _announced_length(scope: Scope) -> int:
    """Return what Content-Length says; servers refuse one that is no number, so here that counts as none."""
    length = _field(scope, b"content-length")
    return int(length[:_MAX_DIGITS]) if length.isascii() and length.isdigit() else 0
