"""The first administrator is made once, however many replicas make it at once."""

import asyncio

import pytest
from pydantic import SecretStr

from auth_service.accounts.errors import AdministratorExistsError
from auth_service.authz.principal import OPERATOR
from auth_service.users.models import User
from auth_service.users.schemas import UserCreate
from tests.conftest import MakeUser
from tests.support.service import PASSWORD, Service

REPLICAS = 8


async def test_of_many_replicas_that_make_the_first_administrator_one_does(service: Service) -> None:
    outcomes = await asyncio.gather(*(_create(service, number) for number in range(REPLICAS)), return_exceptions=True)

    made = [outcome for outcome in outcomes if isinstance(outcome, User)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, AdministratorExistsError)]
    assert (len(made), len(refused)) == (1, REPLICAS - 1)
    assert (await service.sign_in(made[0].email)).status_code == 200
    async with service.runtime.unit_of_work(writing=False) as work:
        assert await work.registration.has_administrator(OPERATOR)


async def test_an_administrator_who_cannot_act_does_not_count(
    service: Service, make_user: MakeUser, make_admin: MakeUser
) -> None:
    await make_user()
    await make_admin(is_active=False)

    async with service.runtime.unit_of_work(writing=False) as work:
        assert not await work.registration.has_administrator(OPERATOR)

    assert (await _create(service, 1)).is_superuser
    with pytest.raises(AdministratorExistsError):
        await _create(service, 2)


async def _create(service: Service, number: int) -> User:
    new_user = UserCreate(email=f"admin{number}@example.com", password=SecretStr(PASSWORD), is_superuser=True)
    async with service.runtime.unit_of_work(writing=True) as work:
        return await work.registration.create_first_administrator(OPERATOR, new_user)
