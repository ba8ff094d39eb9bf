"""What is over is forgotten: not before its time, all of it after it, and by one replica at a time."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, update
from sqlmodel import col

from auth_service.db.locks import try_lock_until_commit
from auth_service.tokens import session_repository
from auth_service.tokens.models import RevocationRecord, SessionRecord
from tests.support.population import store_session
from tests.support.service import Account, Service, bearer, running_service
from tests.support.sessions import (
    WINDOW,
    change_session,
    is_alive,
    let_time_pass,
    newest_number,
    next_token,
    revocations_after,
    session_row,
    stored_session,
)

TOKEN_LIFE = timedelta(minutes=10, seconds=30)
MOMENT = timedelta(seconds=5)


@pytest.fixture
async def ann(service: Service) -> Account:
    return await service.make_user()


async def test_a_salt_is_wiped_after_the_window_and_not_before(service: Service, ann: Account) -> None:
    await next_token(service, ann.refresh_token)

    await service.runtime.forget_what_is_over()
    in_time = await session_row(service, ann.session_id)
    await let_time_pass(service, ann.session_id, WINDOW)
    await service.runtime.forget_what_is_over()

    assert in_time.successor_salt is not None
    row = await session_row(service, ann.session_id)
    assert row.successor_salt is None
    assert row.current_digest == in_time.current_digest
    assert row.ended_at is None


async def test_a_salt_of_a_session_that_ended_is_wiped_with_its_end(service: Service, ann: Account) -> None:
    await next_token(service, ann.refresh_token)

    await service.client.delete(f"/users/me/sessions/{ann.session_id}", headers=bearer(ann))

    assert (await session_row(service, ann.session_id)).successor_salt is None


@pytest.mark.parametrize("how", ["expired", "ended"])
async def test_a_session_is_removed_when_no_token_of_it_can_be_good_any_more(
    service: Service, ann: Account, how: str
) -> None:
    stays, other = await store_session(service, ann.id), ann.session_id
    if how == "ended":
        await service.client.delete(f"/users/me/sessions/{other}", headers=bearer(ann))
    else:
        await let_time_pass(service, other, timedelta(days=14))

    await let_time_pass(service, other, TOKEN_LIFE - MOMENT)
    await service.runtime.forget_what_is_over()
    in_time = await stored_session(service, other)
    await let_time_pass(service, other, MOMENT)
    await service.runtime.forget_what_is_over()

    assert in_time is not None
    assert await stored_session(service, other) is None
    assert await is_alive(service, stays)


async def test_a_revocation_is_removed_when_no_feed_needs_it_any_more(service: Service, ann: Account) -> None:
    since = await newest_number(service)
    await service.client.delete(f"/users/me/sessions/{ann.session_id}", headers=bearer(ann))
    needed = TOKEN_LIFE + timedelta(seconds=60)

    await _let_revocations_age(service, needed)
    await service.runtime.forget_what_is_over()
    in_time = await revocations_after(service, since)
    await _let_revocations_age(service, timedelta(minutes=6))
    await service.runtime.forget_what_is_over()

    assert len(in_time) == 1
    assert await revocations_after(service, since) == []
    assert await newest_number(service) == since + 1  # its number is never given again


async def _let_revocations_age(service: Service, passed: timedelta) -> None:
    for record in await revocations_after(service, 0):
        async with service.runtime.database.transaction(writing=True) as session:
            which = col(RevocationRecord.seq) == record.seq
            await session.exec(update(RevocationRecord).where(which).values(before=record.before - passed))


async def test_many_are_forgotten_in_small_transactions(
    service: Service, ann: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_repository, "BATCH", 2)
    old = [await store_session(service, ann.id) for _ in range(5)]
    for session_id in old:
        await let_time_pass(service, session_id, timedelta(days=15))
    salted = [await _salted_session(service, ann) for _ in range(5)]
    commits = 0

    def count(_connection: object) -> None:
        nonlocal commits
        commits += 1

    event.listen(service.runtime.database.engine.sync_engine, "commit", count)
    await service.runtime.forget_what_is_over()
    event.remove(service.runtime.database.engine.sync_engine, "commit", count)

    assert [await stored_session(service, session_id) for session_id in old] == [None] * 5
    assert {(await session_row(service, session_id)).successor_salt for session_id in salted} == {None}
    assert commits >= 3


async def _salted_session(service: Service, ann: Account) -> UUID:
    session_id = await store_session(service, ann.id)
    row = await session_row(service, session_id)
    await change_session(service, session_id, successor_salt=b"salt", rotated_at=row.created_at - 2 * WINDOW)
    return session_id


async def test_while_another_replica_does_it_this_one_does_not(service: Service, ann: Account) -> None:
    if service.runtime.database.engine.dialect.name == "sqlite":
        pytest.skip("on SQLite a writing transaction has the only lock there is")
    await let_time_pass(service, ann.session_id, timedelta(days=15))

    async with service.runtime.database.transaction(writing=True) as another:
        assert await try_lock_until_commit(another, "retention")
        await service.runtime.forget_what_is_over()
        meanwhile = await stored_session(service, ann.session_id)
    await service.runtime.forget_what_is_over()

    assert meanwhile is not None
    assert await stored_session(service, ann.session_id) is None


async def test_it_waits_for_nobody_who_is_busy_with_a_session(service: Service, ann: Account) -> None:
    if service.runtime.database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite locks the database, not rows")
    old = [await store_session(service, ann.id) for _ in range(2)]
    for session_id in old:
        await let_time_pass(service, session_id, timedelta(days=15))

    async with service.runtime.database.transaction(writing=True) as busy:
        await busy.get(SessionRecord, old[0], with_for_update=True)
        async with asyncio.timeout(10):  # it would wait without end
            await service.runtime.forget_what_is_over()

    assert await stored_session(service, old[0]) is not None
    assert await stored_session(service, old[1]) is None


async def test_the_service_forgets_by_itself_what_is_over_when_it_starts(service: Service, ann: Account) -> None:
    await let_time_pass(service, ann.session_id, timedelta(days=15))

    async with running_service(service.runtime.settings) as replica:
        forgotten = await _until_forgotten(replica, ann.session_id)

    assert forgotten


async def _until_forgotten(service: Service, session_id: UUID) -> bool:
    """Ask until it is gone; each question lets the background work go on."""
    for _ in range(1000):
        if await stored_session(service, session_id) is None:
            return True
    return False
