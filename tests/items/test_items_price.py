"""Prices: exact to the cent, on both databases, there and back."""

import json
from decimal import Decimal

import pytest
from httpx import AsyncClient
from sqlmodel import select

from auth_service.items.models import Item
from tests.conftest import MakeUser
from tests.support.service import Service, assert_problem, bearer


@pytest.mark.parametrize(
    "price",
    ["0", "0.01", "0.1", "0.29", "1.1", "19.99", "129.5", "4503599627.37", "9999999999.98", "9999999999.99", "1e3"],
)
async def test_a_price_comes_back_as_the_number_that_was_sent(
    client: AsyncClient, service: Service, make_user: MakeUser, price: str
) -> None:
    user = await make_user()
    body = f'{{"title": "A bell", "price": {price}}}'
    headers = {**bearer(user), "Content-Type": "application/json"}

    created = await client.post("/items", headers=headers, content=body)
    listed = await client.get("/items", headers=headers)

    assert created.status_code == 201
    for item in (created.json(), listed.json()["data"][0]):
        assert item["price"] == json.loads(price)
    async with service.runtime.database.transaction(writing=False) as session:
        assert (await session.exec(select(Item))).one().price == Decimal(price)


@pytest.mark.parametrize(
    "price",
    [
        "-0.01",
        "0.001",
        "0.30000000000000004",
        "10000000000",
        "1e20",
        "1e400",
        "NaN",
        "Infinity",
        "true",
        '"free"',
        "[]",
    ],
)
async def test_what_is_no_price_is_refused(client: AsyncClient, make_user: MakeUser, price: str) -> None:
    headers = {**bearer(await make_user()), "Content-Type": "application/json"}

    response = await client.post("/items", headers=headers, content=f'{{"title": "A bell", "price": {price}}}')

    assert_problem(response, 422, code="invalid_input")
    assert (await client.get("/items", headers=headers)).json()["data"] == []
