"""A grant that is under way while its client is disabled or removed: it gets nothing."""

import asyncio

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import text

from auth_service.authz.principal import OPERATOR
from auth_service.clients.schemas import ClientUpdate
from tests.support.held import held_verification
from tests.support.oauth import assert_oauth_error, basic
from tests.support.service import PASSWORD, Service


async def _end(service: Service, client_id: str, how: str) -> None:
    async with service.runtime.unit_of_work(writing=True) as work:
        if how == "deleted":
            await work.clients.delete(OPERATOR, client_id)
        else:
            await work.clients.update(OPERATOR, client_id, ClientUpdate(is_active=False))


@pytest.mark.parametrize("how", ["disabled", "deleted"])
async def test_a_sign_in_whose_client_goes_while_the_password_is_hashed_gets_nothing(
    service: Service, client: AsyncClient, how: str
) -> None:
    account, made = await service.make_user(), await service.make_client(grants=["password", "refresh_token"])
    form = {"grant_type": "password", "username": account.email, "password": PASSWORD}
    headers = basic(f"{made.client_id}:{made.client_secret}")

    with held_verification(service.runtime.hasher) as held:
        under_way = asyncio.create_task(client.post("/oauth/token", data=form, headers=headers))
        await held.hashed.wait()
        await _end(service, made.client_id, how)
        held.release()
        answer = await under_way

    assert_oauth_error(answer, "invalid_grant")
    assert [session.client_id for session in await service.live_sessions(account)] == ["client_first_party"]


@pytest.mark.parametrize("how", ["disabled", "deleted"])
async def test_a_service_that_waits_for_the_end_of_its_client_gets_nothing(
    service: Service, client: AsyncClient, how: str
) -> None:
    if service.runtime.database.engine.dialect.name == "sqlite":
        pytest.skip("on SQLite it would wait before it reads anything")
    made = await service.make_client(grants=["client_credentials"])
    headers = basic(f"{made.client_id}:{made.client_secret}")

    async def ask() -> Response:
        return await client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)

    async with service.runtime.unit_of_work(writing=True) as work:
        if how == "deleted":
            await work.clients.delete(OPERATOR, made.client_id)
        else:
            await work.clients.update(OPERATOR, made.client_id, ClientUpdate(is_active=False))
        under_way = asyncio.create_task(ask())
        await _until_somebody_waits_for_a_lock(service)
    answer = await under_way

    assert_oauth_error(answer, "invalid_client", status=401)


_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def _until_somebody_waits_for_a_lock(service: Service) -> None:
    waiting = 0
    async with asyncio.timeout(20):
        while not waiting:
            async with service.runtime.database.engine.connect() as connection:
                waiting = (await connection.execute(_WAITING)).scalar_one()
