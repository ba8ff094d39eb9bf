"""The interactive documentation: everything comes from this service, so that it works with no network."""

import re
from collections.abc import AsyncIterator

import pytest
from httpx import AsyncClient

from tests.support.edge import client_of, make_app

_ASSETS = {
    "/docs/assets/swagger-ui.css": "text/css; charset=utf-8",
    "/docs/assets/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "/docs/assets/favicon-32x32.png": "image/png",
    "/docs/start.js": "text/javascript; charset=utf-8",
}


@pytest.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with client_of(make_app()) as opened:
        yield opened


async def test_the_page_names_only_what_this_service_serves(client: AsyncClient) -> None:
    page = await client.get("/docs")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert {f"/{link}" for link in re.findall(r'(?:src|href)="([^"]+)"', page.text)} == set(_ASSETS)
    assert "//" not in page.text
    assert re.search(r"<script(?! src=)|\son\w+=|<style|javascript:", page.text) is None


async def test_the_page_s_policy_allows_that_and_nothing_else(client: AsyncClient) -> None:
    page = await client.get("/docs")

    assert page.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; frame-ancestors 'none'"
    )


@pytest.mark.parametrize(("path", "media_type"), _ASSETS.items())
async def test_every_asset_is_served(client: AsyncClient, path: str, media_type: str) -> None:
    answer = await client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert len(answer.content) > 100


async def test_the_start_script_reads_this_service_s_document(client: AsyncClient) -> None:
    script = await client.get("/docs/start.js")
    read = re.search(r'"url": "([^"]+)"', script.text)

    assert read is not None
    assert (await client.get(f"/{read[1]}")).json()["info"]["title"] == "auth-service"
    assert "//" not in script.text


async def test_the_document_lets_people_sign_in_where_the_service_is(client: AsyncClient) -> None:
    schemes = (await client.get("/openapi.json")).json()["components"]["securitySchemes"]

    assert schemes["password"]["flows"]["password"]["tokenUrl"] == "oauth/token"


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/redoc", *_ASSETS])
async def test_nothing_of_it_is_there_when_it_is_switched_off(path: str) -> None:
    async with client_of(make_app(docs=False)) as client:
        answer = await client.get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
