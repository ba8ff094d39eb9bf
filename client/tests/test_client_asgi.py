"""The middleware, around applications of Starlette and of nothing at all."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from auth_service_client.asgi import BearerMiddleware, Message, Receive, Scope, Send
from auth_service_client.async_verifier import AsyncVerifier
from auth_service_client.testing import LocalIssuer


async def who(request: Request) -> JSONResponse:
    token = request.scope.get("access_token")
    return JSONResponse(None if token is None else token.subject)


async def test_starlette_finds_the_verified_token_in_its_scope() -> None:
    issuer = LocalIssuer()
    verifier = AsyncVerifier(issuer.settings(), transport=issuer.transport())
    middleware = Middleware(BearerMiddleware, verifier=verifier, scopes=["orders:read"], public_paths=["/livez"])
    app = Starlette(routes=[Route("/{path:path}", who)], middleware=[middleware])
    good, narrow = issuer.token(subject="ann", scopes="orders:read"), issuer.token()

    async with (
        verifier,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client,
    ):
        answers = [
            await client.get("/", headers={"Authorization": f"Bearer {good}"}),
            await client.get("/livez"),
            await client.get("/livez/"),
            await client.get("/", headers={"Authorization": "Bearer x"}),
            await client.get("/", headers={"Authorization": f"Bearer {narrow}"}),
            await client.get("/", headers=[("Authorization", f"Bearer {good}")] * 2),
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 401, 401, 403, 400]
    assert [answer.json() for answer in answers[:3]] == [
        "ann",
        None,
        {"detail": "Send an access token as 'Authorization: Bearer ...'."},
    ]
    assert answers[2].headers["WWW-Authenticate"] == "Bearer"
    assert 'scope="orders:read"' in answers[4].headers["WWW-Authenticate"]


async def plain(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = json.dumps(scope["access_token"].subject).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def exchange(app: BearerMiddleware, scope: dict[str, Any]) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    await app(scope, receive, send)
    return sent


async def test_the_verifier_lives_as_long_as_the_application() -> None:
    issuer = LocalIssuer()
    verifier = AsyncVerifier(issuer.settings(), transport=issuer.transport())
    app = BearerMiddleware(plain, verifier=verifier)
    told: asyncio.Queue[Message] = asyncio.Queue()
    heard: asyncio.Queue[Message] = asyncio.Queue()
    life = asyncio.create_task(app({"type": "lifespan"}, told.get, heard.put))

    await told.put({"type": "lifespan.startup"})
    await heard.get()
    headers = [(b"authorization", f"Bearer {issuer.token(subject='ann')}".encode())]
    sent = await exchange(app, {"type": "http", "path": "/", "headers": headers, "query_string": b""})
    await told.put({"type": "lifespan.shutdown"})
    await heard.get()
    await life

    assert sent[1]["body"] == b'"ann"'
    assert not verifier.is_open


async def test_a_web_socket_is_closed_before_it_is_open() -> None:
    issuer = LocalIssuer()
    async with AsyncVerifier(issuer.settings(), transport=issuer.transport()) as verifier:
        app = BearerMiddleware(plain, verifier=verifier)

        sent = await exchange(app, {"type": "websocket", "path": "/", "headers": [], "query_string": b""})

    assert [(message["type"], message["code"]) for message in sent] == [("websocket.close", 1008)]


def test_paths_and_scopes_are_lists() -> None:
    verifier = AsyncVerifier(LocalIssuer().settings())

    with pytest.raises(TypeError):
        BearerMiddleware(plain, verifier=verifier, public_paths="/livez")
    with pytest.raises(TypeError):
        BearerMiddleware(plain, verifier=verifier, scopes="orders:read")
