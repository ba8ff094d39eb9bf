"""The published keys: public members only, cacheable, and answered whatever else is the matter."""

import pytest
from httpx import AsyncClient
from joserfc.jwk import ECKey

from tests.support.keys import KeyStore
from tests.support.service import Service
from tests.support.statements import watched_statements

JWKS = "/.well-known/jwks.json"


async def test_the_document_has_public_members_and_no_others(service: Service) -> None:
    with watched_statements(service) as statements:
        response = await service.client.get(JWKS)

    keys = response.json()["keys"]
    assert response.status_code == 200
    assert response.json() == {
        "keys": [
            {"kty": "EC", "crv": "P-256", "x": key["x"], "y": key["y"], "kid": key["kid"], "use": "sig", "alg": "ES256"}
            for key in keys
        ]
    }
    for key in keys:
        imported = ECKey.import_key(key)
        assert not imported.is_private
        assert key["kid"] == imported.thumbprint()
    assert statements == []


async def test_the_key_that_signs_comes_first_and_the_next_one_is_published_already(service: Service) -> None:
    response = await service.client.get(JWKS)

    states = await KeyStore(service.runtime.settings).states()
    published = [key["kid"] for key in response.json()["keys"]]
    assert [states[kid] for kid in published] == ["active", "next"]
    assert published[0] == service.runtime.keys.active.kid


async def test_the_document_may_be_kept_for_a_while(client: AsyncClient) -> None:
    response, again = await client.get(JWKS), await client.get(JWKS)

    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "public, max-age=300"
    assert response.headers["etag"] == again.headers["etag"]
    assert response.headers["etag"].startswith('"')


@pytest.mark.parametrize("condition", ["{etag}", "W/{etag}", '"other", {etag}', "*", " * "])
async def test_who_has_it_already_is_not_sent_it_again(client: AsyncClient, condition: str) -> None:
    etag = (await client.get(JWKS)).headers["etag"]

    response = await client.get(JWKS, headers={"If-None-Match": condition.format(etag=etag)})

    assert response.status_code == 304
    assert response.content == b""
    assert response.headers["etag"] == etag
    assert response.headers["cache-control"] == "public, max-age=300"


@pytest.mark.parametrize("condition", ['"other"', "", "etag", '"*"'])
async def test_who_has_another_one_is_sent_it(client: AsyncClient, condition: str) -> None:
    response = await client.get(JWKS, headers={"If-None-Match": condition})

    assert response.status_code == 200
    assert response.json()["keys"]


async def test_nobody_is_asked_who_they_are(client: AsyncClient) -> None:
    response = await client.get(JWKS, headers={"Authorization": "Bearer a.b.c"})

    assert response.status_code == 200
