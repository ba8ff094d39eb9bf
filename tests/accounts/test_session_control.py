"""What ends the sessions of an account, all of them or the surplus, and that every other replica knows at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from httpx import Response

from auth_service.clients.models import FIRST_PARTY_CLIENT_ID, Client
from auth_service.tokens.revocations import RevocationKind
from auth_service.tokens.sessions import MAX_SESSIONS_PER_USER
from tests.support.locks import until_done_or_waiting
from tests.support.population import store_session
from tests.support.service import PASSWORD, Account, Service, bearer, running_service
from tests.support.sessions import (
    content_of,
    entries_of,
    is_alive,
    let_time_pass,
    newest_number,
    refresh,
    revocations_after,
    session_row,
)
from tests.support.settings import make_settings, new_master_key
from tests.support.tokens import assert_invalid_token, read_me

End = Callable[[Service, Account, Account], Awaitable[Response]]


async def _disable(service: Service, victim: Account, admin: Account) -> Response:
    return await service.client.patch(f"/users/{victim.id}", json={"is_active": False}, headers=bearer(admin))


async def _demote(service: Service, victim: Account, admin: Account) -> Response:
    return await service.client.patch(f"/users/{victim.id}", json={"is_superuser": False}, headers=bearer(admin))


async def _change_address(service: Service, victim: Account, admin: Account) -> Response:
    return await service.client.patch(f"/users/{victim.id}", json={"email": "new@example.com"}, headers=bearer(admin))


async def _change_password(service: Service, victim: Account, _admin: Account) -> Response:
    change = {"current_password": PASSWORD, "new_password": "a much better passphrase"}
    return await service.client.put("/users/me/password", json=change, headers=bearer(victim))


async def _delete(service: Service, victim: Account, admin: Account) -> Response:
    return await service.client.delete(f"/users/{victim.id}", headers=bearer(admin))


async def _end_all(service: Service, victim: Account, admin: Account) -> Response:
    return await service.client.post(f"/users/{victim.id}/sessions/end-all", headers=bearer(admin))


ENDS = {
    "disabled": _disable,
    "demoted": _demote,
    "address changed": _change_address,
    "password changed": _change_password,
    "deleted": _delete,
    "signed out everywhere": _end_all,
}


@pytest.fixture
async def replicas(migrated_database: str) -> AsyncIterator[tuple[Service, Service]]:
    """Two services over one database."""
    settings = make_settings(migrated_database, security={"master_keys": new_master_key()})
    async with running_service(settings) as one, running_service(settings) as other:
        yield one, other


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_all_sessions_of_the_account_end_and_each_live_one_has_an_entry(service: Service, end: End) -> None:
    admin, victim = await service.make_admin(), await service.make_admin()
    live = [victim, *[await service.sign_in_again(victim) for _ in range(2)]]
    ended_before = await store_session(service, victim.id)
    await service.client.delete(f"/users/me/sessions/{ended_before}", headers=bearer(victim))
    since = await newest_number(service)

    answer = await end(service, victim, admin)

    assert answer.is_success, answer.text
    entries = await revocations_after(service, since)
    assert content_of(entries) == entries_of(*(one.session_id for one in live))
    assert [one.seq for one in entries] == list(range(since + 1, since + 4))
    assert await newest_number(service) == since + 3
    for one in live:
        assert_invalid_token(await read_me(service, one.token))
        assert (await refresh(service, one.refresh_token)).json()["error"] == "invalid_grant"
    assert (await read_me(service, admin.token)).status_code == 200


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_replica_refuses_at_once_what_ended_at_another(replicas: tuple[Service, Service], end: End) -> None:
    one, other = replicas
    admin, victim = await one.make_admin(), await one.make_admin()
    before = await read_me(other, victim.token)

    ended = await end(one, victim, admin)

    assert before.status_code == 200
    assert ended.is_success
    assert_invalid_token(await read_me(other, victim.token))
    assert (await refresh(other, victim.refresh_token)).json()["error"] == "invalid_grant"


async def test_an_entry_says_until_when_tokens_may_have_been_issued(service: Service) -> None:
    ann, since = await service.make_user(), await newest_number(service)

    await service.client.delete(f"/users/me/sessions/{ann.session_id}", headers=bearer(ann))

    (entry,) = await revocations_after(service, since)
    ended_at = (await session_row(service, ann.session_id)).ended_at
    assert ended_at is not None
    assert timedelta(0) <= entry.before - ended_at - timedelta(seconds=30) < timedelta(seconds=5)


async def test_one_session_too_many_ends_the_one_that_was_used_least_recently(service: Service) -> None:
    ann = await service.make_user()
    others = [await store_session(service, ann.id) for _ in range(MAX_SESSIONS_PER_USER - 1)]
    oldest = others.pop(50)
    await let_time_pass(service, oldest, timedelta(minutes=1))
    since = await newest_number(service)

    newest = await service.sign_in_again(ann)

    assert content_of(await revocations_after(service, since)) == entries_of(oldest)
    assert not await is_alive(service, oldest)
    live = {session.id for session in await service.live_sessions(ann)}
    assert live == {newest.session_id, ann.session_id, *others}
    assert len(live) == MAX_SESSIONS_PER_USER


async def test_a_sign_in_that_ends_another_session_keeps_nobody_waiting_who_changes_its_client(
    service: Service,
) -> None:
    if service.runtime.database.engine.dialect.name == "sqlite":
        pytest.skip("on SQLite one writer at a time writes")
    ann = await service.make_user()
    for _ in range(MAX_SESSIONS_PER_USER - 1):
        await store_session(service, ann.id)

    async with service.runtime.unit_of_work(writing=True) as work:
        await work.session.get(Client, FIRST_PARTY_CLIENT_ID, with_for_update=True)
        sign_in = asyncio.create_task(service.sign_in(ann.email))
        await until_done_or_waiting(service, sign_in)
        await work.revocations.record(RevocationKind.CLIENT, [FIRST_PARTY_CLIENT_ID])

    assert (await sign_in).status_code == 200
    assert len(await service.live_sessions(ann)) == MAX_SESSIONS_PER_USER


async def test_sign_ins_at_once_leave_no_more_sessions_than_there_may_be(service: Service) -> None:
    ann = await service.make_user()
    for _ in range(MAX_SESSIONS_PER_USER - 3):
        await store_session(service, ann.id)

    answers = await asyncio.gather(*(service.sign_in(ann.email) for _ in range(6)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(await service.live_sessions(ann)) == MAX_SESSIONS_PER_USER


async def test_a_session_that_nobody_refreshed_for_too_long_is_refused_without_anybody_ending_it(
    service: Service,
) -> None:
    ann, since = await service.make_user(), await newest_number(service)

    await let_time_pass(service, ann.session_id, timedelta(days=14))

    assert_invalid_token(await read_me(service, ann.token))
    assert await is_alive(service, ann.session_id)
    assert await newest_number(service) == since
