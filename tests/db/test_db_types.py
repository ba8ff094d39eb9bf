"""Columns that mean the same on both databases: what one of them would round or sort in its own way."""

from decimal import Decimal

from sqlmodel import col, select

from auth_service.items.models import Item
from auth_service.users.models import User
from tests.conftest import MakeUser
from tests.support.population import store_item, store_users
from tests.support.service import Service


async def test_the_database_reckons_with_amounts_exactly(service: Service, make_user: MakeUser) -> None:
    owner = await make_user()
    await store_item(service, owner.id, price=Decimal("0.10"))

    price = col(Item.price)
    async with service.runtime.database.transaction(writing=False) as session:
        found = (await session.exec(select(Item).where(price + price + price == Decimal("0.30")))).all()

    assert [item.price for item in found] == [Decimal("0.10")]


async def test_addresses_sort_by_code_point(service: Service) -> None:
    names = ["a-b", "a.b", "ab", "a_b", "a0", "z", "é"]
    await store_users(service, *({"email": f"{name}@example.com"} for name in names))

    async with service.runtime.database.transaction(writing=False) as session:
        stored = (await session.exec(select(User.email).order_by(col(User.email_normalized)))).all()

    assert stored == sorted(stored)
