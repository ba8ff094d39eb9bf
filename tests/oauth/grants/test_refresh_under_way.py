"""A refresh that is under way while something else happens to its session: whoever commits first has won."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from httpx import Response

from auth_service.tokens.models import SessionRecord
from auth_service.tokens.session_repository import SecretRotation, SessionRepository
from tests.support.oauth import assert_oauth_error
from tests.support.service import PASSWORD, Account, Service, bearer
from tests.support.sessions import is_alive, next_token, refresh, refresh_events
from tests.support.tokens import assert_invalid_token, read_me

Act = Callable[[Service, Account, Account], Awaitable[Response]]


async def _disable(service: Service, user: Account, admin: Account) -> Response:
    return await service.client.patch(f"/users/{user.id}", headers=bearer(admin), json={"is_active": False})


async def _change_password(service: Service, user: Account, _admin: Account) -> Response:
    body = {"current_password": PASSWORD, "new_password": "a much better passphrase"}
    return await service.client.put("/users/me/password", headers=bearer(user), json=body)


async def _delete(service: Service, user: Account, admin: Account) -> Response:
    return await service.client.delete(f"/users/{user.id}", headers=bearer(admin))


async def _end(service: Service, user: Account, _admin: Account) -> Response:
    return await service.client.delete(f"/users/me/sessions/{user.session_id}", headers=bearer(user))


@asynccontextmanager
async def _held_rotation(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[asyncio.Event, ...]]:
    """Hold the next rotation after the gate has admitted it, before the statement that decides."""
    reached, released = asyncio.Event(), asyncio.Event()
    rotate = SessionRepository.rotate

    async def held(self: SessionRepository, record: SessionRecord, rotation: SecretRotation) -> bool:
        monkeypatch.setattr(SessionRepository, "rotate", rotate)
        reached.set()
        await released.wait()
        return await rotate(self, record, rotation)

    monkeypatch.setattr(SessionRepository, "rotate", held)
    yield reached, released
    released.set()


@pytest.fixture
def on_postgresql(database_kind: str) -> None:
    if database_kind == "sqlite":
        pytest.skip("on SQLite a refresh has the only write lock from its start")


@pytest.mark.usefixtures("on_postgresql")
@pytest.mark.parametrize(
    ("act", "reason"),
    [
        pytest.param(_disable, "disabled", id="the account is disabled"),
        pytest.param(_change_password, "credentials_changed", id="the password changes"),
        pytest.param(_end, "session_ended", id="the session is ended"),
        pytest.param(_delete, "no_such_session", id="the account is deleted"),
    ],
)
async def test_it_gets_nothing_when_meanwhile(
    service: Service, monkeypatch: pytest.MonkeyPatch, act: Act, reason: str
) -> None:
    user, admin = await service.make_user(), await service.make_admin()

    async with _held_rotation(monkeypatch) as (reached, released):
        under_way = asyncio.create_task(refresh(service, user.refresh_token))
        await reached.wait()
        meanwhile = await act(service, user, admin)
        released.set()
        answer = await under_way

    assert meanwhile.is_success, meanwhile.text
    assert_oauth_error(answer, "invalid_grant")
    reasons = [detail["reason"] for event, _, detail in await refresh_events(service) if event == "refresh"]
    assert reasons == ([] if act is _delete else [reason])


@pytest.mark.usefixtures("on_postgresql")
async def test_it_gets_the_same_successor_when_another_one_was_faster(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await service.make_user()

    async with _held_rotation(monkeypatch) as (reached, released):
        slow = asyncio.create_task(next_token(service, user.refresh_token))
        await reached.wait()
        successor = await next_token(service, user.refresh_token)
        released.set()

        assert await slow == successor

    assert (await refresh(service, successor)).status_code == 200


@pytest.mark.parametrize("act", [_disable, _delete, _end])
async def test_whichever_of_a_refresh_and_an_end_comes_first_no_token_is_good_afterwards(
    service: Service, act: Act
) -> None:
    for _ in range(3):
        user, admin = await service.make_user(), await service.make_admin()

        answer, meanwhile = await asyncio.gather(refresh(service, user.refresh_token), act(service, user, admin))

        assert meanwhile.is_success, meanwhile.text
        if answer.status_code == 200:
            assert_invalid_token(await read_me(service, answer.json()["access_token"]))
            assert_oauth_error(await refresh(service, answer.json()["refresh_token"]), "invalid_grant")
        else:
            assert_oauth_error(answer, "invalid_grant")


async def test_refreshes_at_once_in_one_process_get_one_successor(service: Service) -> None:
    user = await service.make_user()

    successors = await asyncio.gather(*(next_token(service, user.refresh_token) for _ in range(20)))

    assert len(set(successors)) == 1
    assert await is_alive(service, user.session_id)
    assert len([event for event, *_ in await refresh_events(service) if event == "refresh.replayed"]) == 19
