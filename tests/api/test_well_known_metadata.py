"""Discovery (RFC 8414): the document lists exactly what works, under the configured issuer."""

from urllib.parse import urlsplit

import pytest
from httpx import AsyncClient

from auth_service.app import create_app
from auth_service.authz.scopes import Scope
from tests.support.routes import served_routes
from tests.support.service import Service, running_service
from tests.support.settings import ISSUER, make_settings
from tests.support.statements import watched_statements

PATHS = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]
METHODS = {"jwks_uri": "GET", "revocation_feed_uri": "GET"}
CONFIDENTIAL = ["client_secret_basic", "client_secret_post"]
SECOND_FACTOR = "urn:auth-service:params:oauth:grant-type:second-factor"
DOCUMENT = {
    "issuer": ISSUER,
    "token_endpoint": f"{ISSUER}/oauth/token",
    "revocation_endpoint": f"{ISSUER}/oauth/revoke",
    "introspection_endpoint": f"{ISSUER}/oauth/introspect",
    "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
    "revocation_feed_uri": f"{ISSUER}/oauth/revocations",
    "grant_types_supported": ["password", "refresh_token", "client_credentials", SECOND_FACTOR],
    "response_types_supported": [],
    "acr_values_supported": ["aal1", "aal2"],
    "scopes_supported": ["admin", "items:read", "items:write", "profile:read", "profile:write"],
    "token_endpoint_auth_methods_supported": ["none", *CONFIDENTIAL],
    "revocation_endpoint_auth_methods_supported": ["none", *CONFIDENTIAL],
    "introspection_endpoint_auth_methods_supported": CONFIDENTIAL,
}


@pytest.mark.parametrize("path", PATHS)
async def test_the_document_says_what_there_is(service: Service, path: str) -> None:
    with watched_statements(service) as statements:
        response = await service.client.get(path)

    assert response.status_code == 200
    assert response.json() == DOCUMENT
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "public, max-age=300"
    assert set(response.json()["scopes_supported"]) == set(Scope)
    assert statements == []


async def test_both_places_have_the_same_bytes(client: AsyncClient) -> None:
    one, other = [await client.get(path) for path in PATHS]

    assert one.content == other.content
    assert one.headers["etag"] == other.headers["etag"]


async def test_every_address_in_the_document_is_a_route(client: AsyncClient) -> None:
    document = (await client.get(PATHS[0])).json()

    addresses = {name: urlsplit(value) for name, value in document.items() if name.endswith(("_endpoint", "_uri"))}
    listed = {f"{METHODS.get(name, 'POST')} {address.path}" for name, address in addresses.items()}
    missing = listed - served_routes(create_app(make_settings("sqlite:///never-connected.db")))
    assert {f"{address.scheme}://{address.netloc}" for address in addresses.values()} == {ISSUER}
    assert missing == set()


async def test_nothing_in_it_comes_from_the_request(client: AsyncClient) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"}

    response = await client.get(PATHS[0], headers=headers)

    assert response.json() == DOCUMENT


@pytest.mark.parametrize("path", PATHS)
async def test_who_has_it_already_is_not_sent_it_again(client: AsyncClient, path: str) -> None:
    etag = (await client.get(path)).headers["etag"]

    response = await client.get(path, headers={"If-None-Match": etag})

    assert (response.status_code, response.content) == (304, b"")


async def test_the_settings_show_in_it(migrated_database: str) -> None:
    settings = make_settings(
        migrated_database,
        tokens={"issuer": "https://example.com/auth", "jwks_max_age": "PT1M"},
        oauth={"password_grant": False},
    )
    async with running_service(settings) as service:
        document = (await service.client.get(PATHS[0])).json()
        keys = await service.client.get("/.well-known/jwks.json")

    assert document["issuer"] == "https://example.com/auth"
    assert document["token_endpoint"] == "https://example.com/auth/oauth/token"
    assert document["grant_types_supported"] == ["refresh_token", "client_credentials"]
    assert keys.headers["cache-control"] == "public, max-age=60"


async def test_a_configured_origin_may_read_it(migrated_database: str) -> None:
    origin = "https://app.example.com"
    async with running_service(make_settings(migrated_database, http={"cors_origins": origin})) as service:
        allowed = [
            (await service.client.get(path, headers={"Origin": origin})).headers.get("access-control-allow-origin")
            for path in [*PATHS, "/.well-known/jwks.json"]
        ]

    assert allowed == [origin] * 3
