"""Prices: exact to the cent, on both databases, there and back."""

import json
from decimal import Decimal

from httpx import AsyncClient
from sqlmodel import select

from auth_service.items.models import Item
from tests.conftest import MakeUser
from tests.support.service import Service, assert_problem, bearer

CENT = Decimal("0.01")
PRICES = ["0", "0.01", "0.1", "0.29", "1.1", "19.99", "129.5", "4503599627.37", "9999999999.98", "9999999999.99", "1e3"]
NO_PRICES = [
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
]


async def test_a_price_comes_back_as_the_number_that_was_sent(
    client: AsyncClient, service: Service, make_user: MakeUser
) -> None:
    headers = {**bearer(await make_user()), "Content-Type": "application/json"}

    created = [await client.post("/items", headers=headers, content=_body(price)) for price in PRICES]
    listed = (await client.get("/items?limit=100", headers=headers)).json()["data"]

    assert [answer.json()["price"] for answer in created] == [json.loads(price) for price in PRICES]
    assert {item["id"]: item["price"] for item in listed} == {
        answer.json()["id"]: json.loads(price) for answer, price in zip(created, PRICES, strict=True)
    }
    async with service.runtime.database.transaction(writing=False) as session:
        stored = [item.price for item in (await session.exec(select(Item))).all()]
    assert sorted(str(price) for price in stored) == sorted(str(Decimal(price).quantize(CENT)) for price in PRICES)


async def test_what_is_no_price_is_refused(client: AsyncClient, make_user: MakeUser) -> None:
    headers = {**bearer(await make_user()), "Content-Type": "application/json"}

    answers = {price: await client.post("/items", headers=headers, content=_body(price)) for price in NO_PRICES}

    for answer in answers.values():
        assert_problem(answer, 422, code="invalid_input")
    assert (await client.get("/items", headers=headers)).json()["data"] == []


def _body(price: str) -> str:
    """Return JSON in which the price is spelled as it is here."""
    return f'{{"title": "A bell", "price": {price}}}'
