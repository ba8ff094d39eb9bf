"""A middleware for any ASGI application: what gets through has a good access token."""

import json
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any

from auth_service_client.async_verifier import AsyncVerifier
from auth_service_client.bearer import assert_scopes, headers_of, read_bearer_token, read_scopes
from auth_service_client.errors import RefusalError

log = logging.getLogger("auth_service_client")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_POLICY_VIOLATION = 1008  # RFC 6455 section 7.4.1


class BearerMiddleware:
    """Puts the AccessToken into `scope["access_token"]`.

    `public_paths` get through without a token, exactly as they are written. The verifier is opened with the
    application's lifespan, unless it is open already.
    """

    def __init__(
        self,
        app: Application,
        *,
        verifier: AsyncVerifier,
        scopes: Iterable[str] = (),
        public_paths: Collection[str] = (),
    ) -> None:
        if isinstance(public_paths, str):
            raise TypeError("public_paths are a list of texts")
        self._app = app
        self._verifier = verifier
        self._needed = read_scopes(scopes)
        self._public_paths = frozenset(public_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        if scope["path"] not in self._public_paths:
            try:
                await self._admit(scope)
            except RefusalError as refusal:
                log.info("refused: %s", refusal)
                await _refuse(refusal, scope, send)
                return
        await self._app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._verifier.is_open:
            await self._app(scope, receive, send)
        else:
            async with self._verifier:
                await self._app(scope, receive, send)

    async def _admit(self, scope: Scope) -> None:
        authorization = [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]
        encoded = read_bearer_token(authorization, scope.get("query_string", b"").decode("latin-1"))
        token = await self._verifier.verify(encoded)
        assert_scopes(token, self._needed)
        scope["access_token"] = token


async def _refuse(refusal: RefusalError, scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal.detail})
        return
    body = json.dumps({"detail": refusal.detail}).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers_of(refusal)}
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
