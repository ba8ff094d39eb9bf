"""The dependencies of FastAPI, through HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI

from auth_service_client.access_token import AccessToken
from auth_service_client.async_verifier import AsyncVerifier
from auth_service_client.fastapi import BearerGuard
from auth_service_client.testing import LocalIssuer

INVALID = 'Bearer error="invalid_token", error_description="The access token is not valid."'
NOT_ALLOWED = 'Bearer error="insufficient_scope", error_description="The access token does not allow this."'
AMBIGUOUS = (
    'Bearer error="invalid_request", '
    'error_description="Send one access token, in the Authorization header and nowhere else."'
)
ISSUER = LocalIssuer()


def application(issuer: LocalIssuer) -> FastAPI:
    guard = BearerGuard(AsyncVerifier(issuer.settings(), transport=issuer.transport()))
    app = FastAPI(lifespan=guard.lifespan)

    @app.get("/any")
    async def anybody(token: Annotated[AccessToken, Depends(guard.require_token())]) -> str:
        return token.subject

    @app.get("/orders")
    async def orders(user: Annotated[AccessToken, Depends(guard.require_user(scopes=["orders:read"]))]) -> str:
        return user.subject

    @app.get("/robots")
    async def robots(client: Annotated[AccessToken, Depends(guard.require_client())]) -> str:
        return client.subject

    @app.get("/vault")
    async def vault(user: Annotated[AccessToken, Depends(guard.require_user(acr="aal2"))]) -> str:
        return user.subject

    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = application(ISSUER)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client,
    ):
        yield client


def person(**claims: Any) -> str:
    """Return a token that is still good when the last of all tests is run: it may be made when they are collected."""
    return ISSUER.token(expires_in=86_400, **claims)


def robot(client_id: str, **claims: Any) -> str:
    return ISSUER.client_token(client_id, expires_in=86_400, **claims)


def bearer(token: str) -> tuple[str, str]:
    return "Authorization", f"Bearer {token}"


USER = person(subject="ann", scopes="orders:read")
SURE = person(subject="ann", amr=["pwd", "otp", "mfa"], acr="aal2")
NARROW = person(scopes="orders:write")
ROBOT = robot("client_robot", scopes="orders:read")


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        pytest.param("/any", USER, 200, id="a person anywhere"),
        pytest.param("/any", ROBOT, 200, id="a service anywhere"),
        pytest.param("/orders", USER, 200, id="a person with the scope"),
        pytest.param("/orders", ROBOT, 403, id="a service with the scope"),
        pytest.param("/orders", NARROW, 403, id="a person with another scope"),
        pytest.param("/orders", person(scopes="orders:readers"), 403, id="a scope that begins alike"),
        pytest.param("/orders", person(amr=None, scopes="orders:read"), 403, id="nobody who signed in"),
        pytest.param("/robots", ROBOT, 200, id="a service among services"),
        pytest.param("/robots", USER, 403, id="a person among services"),
        pytest.param("/vault", SURE, 200, id="a person with two factors"),
        pytest.param("/vault", person(acr=None), 401, id="a person of whom nothing is said"),
        pytest.param("/vault", robot("client_robot", acr="aal2"), 403, id="a service with two factors"),
    ],
)
async def test_who_gets_in(client: httpx.AsyncClient, path: str, token: str, status: int) -> None:
    response = await client.get(path, headers=[bearer(token)])

    assert response.status_code == status


@pytest.mark.parametrize(
    ("headers", "query", "status", "challenge"),
    [
        pytest.param([], "", 401, "Bearer", id="nothing"),
        pytest.param([("Authorization", "Basic Og==")], "", 401, "Bearer", id="another scheme"),
        pytest.param([], f"?access_token={USER}", 401, "Bearer", id="in the query alone"),
        pytest.param([bearer("x")], "", 401, INVALID, id="no token"),
        pytest.param([("Authorization", "Bearer")], "", 401, INVALID, id="an empty token"),
        pytest.param([bearer(USER + "A")], "", 401, INVALID, id="a bad token"),
        pytest.param([bearer("\xe9")], "", 401, INVALID, id="letters beyond ASCII"),
        pytest.param([bearer(USER), bearer(USER)], "", 400, AMBIGUOUS, id="twice"),
        pytest.param([bearer(USER)], f"?access_token={USER}", 400, AMBIGUOUS, id="in the query too"),
        pytest.param([bearer(USER)], "?access%5Ftoken=", 400, AMBIGUOUS, id="in the query, in disguise"),
        pytest.param([bearer(ROBOT)], "", 403, NOT_ALLOWED, id="a service"),
        pytest.param([bearer(NARROW)], "", 403, f'{NOT_ALLOWED}, scope="orders:read"', id="a scope is missing"),
    ],
)
async def test_a_refusal_is_told_as_rfc_6750_says(
    client: httpx.AsyncClient, headers: list[tuple[str, str]], query: str, status: int, challenge: str
) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]

    response = await client.get(f"/orders{query}", headers=raw)

    assert (response.status_code, response.headers["WWW-Authenticate"]) == (status, challenge)
    assert response.json().keys() == {"detail"}


async def test_while_nobody_can_say_the_answer_is_503() -> None:
    issuer = LocalIssuer()
    issuer.go_away()
    verifier = AsyncVerifier(issuer.settings(start_up_wait=timedelta(0)), transport=issuer.transport())
    app = FastAPI(lifespan=(guard := BearerGuard(verifier)).lifespan)
    app.get("/", dependencies=[Depends(guard.require_user())])(lambda: None)

    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client,
    ):
        response = await client.get("/", headers=[bearer(issuer.token())])

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


def test_docs_can_send_a_token() -> None:
    document: dict[str, Any] = application(ISSUER).openapi()

    assert document["components"]["securitySchemes"] == {
        "auth-service": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    assert document["paths"]["/orders"]["get"]["security"] == [{"auth-service": []}]


@pytest.mark.parametrize("scopes", [['"'], ["a b"], [""], ["é"], ["a\\"]])
def test_a_scope_that_is_none_is_refused_at_once(scopes: list[str]) -> None:
    guard = BearerGuard(AsyncVerifier(ISSUER.settings()))

    with pytest.raises(ValueError, match="a scope is"):
        guard.require_user(scopes=scopes)
    with pytest.raises(TypeError):
        guard.require_user(scopes="orders:read")


async def test_who_needs_a_second_factor_is_told_as_rfc_9470_says(client: httpx.AsyncClient) -> None:
    response = await client.get("/vault", headers=[bearer(USER)])

    assert (response.status_code, response.json()) == (401, {"detail": "Sign in with a second factor."})
    assert response.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_user_authentication", error_description="Sign in with a second factor.", '
        'acr_values="aal2"'
    )
