"""The application's edge alone, with a route that fails the way a test wants; no database is ever opened."""

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from httpx import ASGITransport, AsyncClient

from auth_service.app import create_app
from tests.support.settings import ISSUER, make_settings

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


def make_app(*, issuer: str = ISSUER, **http: object) -> FastAPI:
    """Return an application that is not started."""
    return create_app(make_settings("sqlite:///never-opened.db", tokens={"issuer": issuer}, http=http))


def add_failures(app: FastAPI, error: Exception) -> None:
    """Add routes that raise `error`: one of each style of refusal, and one that fails in the middle of its answer."""

    async def fail() -> None:
        raise error

    async def fail_halfway() -> StreamingResponse:
        def chunks() -> Iterator[str]:
            yield "half"
            raise error

        return StreamingResponse(chunks())

    app.add_api_route("/fails", fail)
    app.add_api_route("/fails/{rest}", fail)
    app.add_api_route("/oauth/fails", fail)
    app.add_api_route("/fails-halfway", fail_halfway)


def client_of(app: FastAPI) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app), base_url="http://auth.test")


def failing_client(error: Exception, **settings: str) -> AsyncClient:
    app = make_app(**settings)
    add_failures(app, error)
    return client_of(app)
