"""A grant that is under way while its client is disabled, removed or changed: it gets nothing."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import text

from auth_service.authz.principal import OPERATOR
from auth_service.clients.schemas import ClientUpdate
from auth_service.oauth.client_administration import ClientAdministration
from tests.support.held import held_verification
from tests.support.oauth import assert_oauth_error, basic
from tests.support.service import PASSWORD, Service

Act = Callable[[ClientAdministration, str], Awaitable[object]]
ACTS: dict[str, Act] = {
    "it is disabled": lambda clients, id_: clients.update(OPERATOR, id_, ClientUpdate(is_active=False)),
    "it is deleted": lambda clients, id_: clients.delete(OPERATOR, id_),
    "its secret is replaced": lambda clients, id_: clients.rotate_secret(OPERATOR, id_),
    "it loses the grant": lambda clients, id_: clients.update(OPERATOR, id_, ClientUpdate(grants=[])),
    "it loses scopes": lambda clients, id_: clients.update(OPERATOR, id_, ClientUpdate(scopes=[])),
    "its audiences change": lambda clients, id_: clients.update(OPERATOR, id_, ClientUpdate(audiences=["orders"])),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_a_sign_in_gets_nothing_when_while_its_password_is_hashed(
    service: Service, client: AsyncClient, act: Act
) -> None:
    account, made = await service.make_user(), await service.make_client(grants=["password", "refresh_token"])
    form = {"grant_type": "password", "username": account.email, "password": PASSWORD}
    headers = basic(f"{made.client_id}:{made.client_secret}")

    with held_verification(service.runtime.hasher) as held:
        under_way = asyncio.create_task(client.post("/oauth/token", data=form, headers=headers))
        await held.hashed.wait()
        async with service.runtime.unit_of_work(writing=True) as work:
            await act(work.clients, made.client_id)
        held.release()
        answer = await under_way

    assert_oauth_error(answer, "invalid_grant")
    assert [session.client_id for session in await service.live_sessions(account)] == ["client_first_party"]


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_a_service_that_waits_for_its_client_gets_nothing_when(
    service: Service, client: AsyncClient, act: Act
) -> None:
    if service.runtime.database.engine.dialect.name == "sqlite":
        pytest.skip("on SQLite it would wait before it reads anything")
    made = await service.make_client(grants=["client_credentials"])
    headers = basic(f"{made.client_id}:{made.client_secret}")

    async def ask() -> Response:
        return await client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)

    async with service.runtime.unit_of_work(writing=True) as work:
        await act(work.clients, made.client_id)
        await work.session.flush()
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
