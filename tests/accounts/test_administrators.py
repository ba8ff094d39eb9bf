"""However many administrators remove each other, and however fast, one of them stays."""

import asyncio
import itertools

import pytest
from httpx import AsyncClient, Response
from sqlmodel import col, delete, func, select

from auth_service.users.models import User, UserSearchTerm
from tests.conftest import MakeUser
from tests.support.service import Account, Service, assert_problem, bearer

ROUNDS = 20
WAYS = ("demote", "disable", "delete")
GONE_OR_LAST = {"invalid_token", "permission_denied", "insufficient_scope", "last_administrator", "user_not_found"}


@pytest.mark.parametrize("way", [*WAYS, "demote by PUT", "demote at /users/me"])
async def test_the_last_active_administrator_cannot_leave(
    client: AsyncClient, service: Service, make_user: MakeUser, make_admin: MakeUser, way: str
) -> None:
    administrator = await make_admin()
    await make_admin(is_active=False)
    await make_user()

    response = await _remove(client, administrator, administrator, way)

    assert_problem(response, 409, code="last_administrator")
    assert await _active_administrators(service) == 1
    assert (await client.get("/users", headers=bearer(administrator))).status_code == 200


@pytest.mark.parametrize("way", WAYS)
async def test_one_of_two_may_leave_by_themselves(
    client: AsyncClient, service: Service, make_admin: MakeUser, way: str
) -> None:
    leaving, _staying = await make_admin(), await make_admin()

    response = await _remove(client, leaving, leaving, way)

    assert response.is_success
    assert await _active_administrators(service) == 1
    assert_problem(await client.get("/users/me", headers=bearer(leaving)), 401, code="invalid_token")


async def test_who_is_not_an_active_administrator_may_always_be_removed(
    client: AsyncClient, make_user: MakeUser, make_admin: MakeUser
) -> None:
    last = await make_admin()
    others = [await make_user(), await make_user(is_active=False), await make_admin(is_active=False)]

    answers = [await _remove(client, last, other, way) for way in WAYS for other in others]

    assert [answer.status_code for answer in answers] == [200] * 6 + [204] * 3


async def test_the_last_one_may_still_change_everything_else(client: AsyncClient, make_admin: MakeUser) -> None:
    administrator = await make_admin()
    body = {"full_name": "Ann", "is_active": True, "is_superuser": True, "email_verified": True}

    response = await client.patch("/users/me", headers=bearer(administrator), json=body)

    assert response.status_code == 200


async def test_two_who_remove_each_other_at_once_leave_one(
    client: AsyncClient, service: Service, make_admin: MakeUser
) -> None:
    ways = itertools.cycle(itertools.product(WAYS, WAYS))

    for _ in range(ROUNDS):
        first, second = await make_admin(), await make_admin()
        way, way_back = next(ways)

        answers = await asyncio.gather(_remove(client, first, second, way), _remove(client, second, first, way_back))

        assert await _active_administrators(service) == 1
        assert sum(answer.is_success for answer in answers) == 1
        assert all(answer.is_success or answer.json()["code"] in GONE_OR_LAST for answer in answers)
        await _forget_everybody(service)


async def test_many_who_remove_themselves_at_once_leave_one(
    client: AsyncClient, service: Service, make_admin: MakeUser
) -> None:
    administrators = [await make_admin() for _ in range(6)]

    answers = await asyncio.gather(
        *(
            _remove(client, administrator, administrator, way)
            for administrator, way in zip(administrators, itertools.cycle(WAYS), strict=False)
        )
    )

    assert await _active_administrators(service) == 1
    assert [answer.json()["code"] for answer in answers if not answer.is_success] == ["last_administrator"]


async def _remove(client: AsyncClient, actor: Account, administrator: Account, way: str) -> Response:
    path, headers = f"/users/{administrator.id}", bearer(actor)
    match way:
        case "delete":
            return await client.delete(path, headers=headers)
        case "disable":
            return await client.patch(path, headers=headers, json={"is_active": False})
        case "demote by PUT":
            return await client.put(path, headers=headers, json={"is_superuser": False})
        case "demote at /users/me":
            return await client.patch("/users/me", headers=headers, json={"is_superuser": False})
        case _:
            return await client.patch(path, headers=headers, json={"is_superuser": False})


async def _active_administrators(service: Service) -> int:
    statement = select(func.count()).select_from(User).where(col(User.is_superuser), col(User.is_active))
    async with service.runtime.database.transaction(writing=False) as session:
        return (await session.exec(statement)).one()


async def _forget_everybody(service: Service) -> None:
    async with service.runtime.database.transaction(writing=True) as session:
        await session.exec(delete(UserSearchTerm))
        await session.exec(delete(User))
