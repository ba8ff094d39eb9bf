"""Statements that go to the driver itself: the same answer as by the ORM, and the same outages."""

from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import Integer, Interval, bindparam, cast, literal_column, select
from sqlmodel import col

from auth_service.clients.models import Client
from auth_service.db.errors import DatabaseUnavailableError
from auth_service.db.hot_statement import HotStatement, columns_of, detached
from auth_service.users.models import User
from tests.conftest import MakeUser
from tests.support.service import Service

BY_ID = HotStatement(select(*columns_of(User)).where(col(User.id) == bindparam("user_id")))


async def _find(service: Service, user_id: UUID, *, writing: bool) -> User | None:
    async with service.runtime.database.transaction(writing=writing) as session:
        row = await BY_ID.find(session, user_id=user_id)
        return None if row is None else detached(User, row)


async def test_a_row_is_what_the_orm_makes_of_it(service: Service, make_user: MakeUser) -> None:
    account = await make_user(full_name="Ann", username="ann")
    async with service.runtime.database.transaction(writing=False) as session:
        by_orm = await session.get(User, account.id)

    found = [await _find(service, account.id, writing=writing) for writing in (False, True)]

    assert found == [by_orm, by_orm]
    assert await _find(service, uuid4(), writing=False) is None


async def test_in_a_transaction_its_own_changes_are_seen(service: Service, make_user: MakeUser) -> None:
    account = await make_user(full_name="Ann")

    async with service.runtime.database.transaction(writing=True) as session:
        user = await session.get_one(User, account.id)
        user.full_name = "Ann B."
        await session.flush()
        row = await BY_ID.find(session, user_id=account.id)

    assert row is not None
    assert detached(User, row).full_name == "Ann B."


async def test_what_is_done_to_a_detached_row_is_not_stored(service: Service, make_user: MakeUser) -> None:
    account = await make_user(full_name="Ann")

    async with service.runtime.database.transaction(writing=True) as session:
        row = await BY_ID.find(session, user_id=account.id)
        assert row is not None
        detached(User, row).full_name = "Somebody else"

    unchanged = await _find(service, account.id, writing=False)
    assert unchanged is not None
    assert unchanged.full_name == "Ann"


def test_a_column_that_needs_the_orm_is_refused() -> None:
    with pytest.raises(TypeError, match="is not of a type that the driver returns"):
        HotStatement(select(cast(col(Client.id), Interval)))


async def test_what_the_database_refuses_is_said_as_by_the_orm_and_costs_no_connection(service: Service) -> None:
    if service.runtime.database.is_sqlite:
        pytest.skip("on SQLite it is the ORM")
    database = service.runtime.database
    divides = HotStatement(select(literal_column("1", Integer) / cast(bindparam("by"), Integer)))

    for _ in range(database.engine.pool.size() + 20):  # type: ignore[attr-defined]
        with pytest.raises(Exception, match="division by zero") as refused:
            async with database.transaction(writing=False) as session:
                await divides.find(session, by=0)
        assert not isinstance(refused.value, DatabaseUnavailableError)

    async with database.transaction(writing=False) as session:
        assert await divides.find(session, by=1) is not None


async def test_a_parameter_that_the_driver_cannot_send_is_no_outage(service: Service) -> None:
    if service.runtime.database.is_sqlite:
        pytest.skip("on SQLite it is the ORM")

    with pytest.raises(Exception, match="invalid input for query argument") as refused:
        async with service.runtime.database.transaction(writing=False) as session:
            await BY_ID.find(session, user_id="not an id")

    assert not isinstance(refused.value, DatabaseUnavailableError)


async def test_a_server_that_takes_leave_of_each_connection_is_away(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    if service.runtime.database.is_sqlite:
        pytest.skip("on SQLite it is the ORM")

    async def hear_a_farewell(*_arguments: object, **_options: object) -> None:
        raise asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")

    monkeypatch.setattr(asyncpg.Connection, "fetchrow", hear_a_farewell)

    with pytest.raises(DatabaseUnavailableError):
        await _find(service, uuid4(), writing=False)
