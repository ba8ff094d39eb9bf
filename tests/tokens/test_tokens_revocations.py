"""The numbers of revocations: gapless, and in the order of commits, so that a reader with a cursor misses none."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from auth_service.tokens.models import RevocationRecord
from auth_service.tokens.revocations import RevocationKind, revocation_digest
from auth_service.users.errors import UserNotFoundError
from auth_service.wiring.unit_of_work import UnitOfWork
from tests.support.locks import until_done_or_waiting
from tests.support.population import store_session
from tests.support.service import Service
from tests.support.sessions import content_of, entries_of, newest_number, revocations_after

WRITERS, SESSIONS_EACH = 8, 6


async def test_of_sessions_that_are_ended_by_eight_at_once_a_reader_with_a_cursor_misses_none(service: Service) -> None:
    since = await newest_number(service)
    users = [(await service.make_user()).id for _ in range(WRITERS)]
    owned = {user: [await store_session(service, user) for _ in range(SESSIONS_EACH)] for user in users}
    writing = asyncio.gather(*(_end_one_by_one(service, user, owned[user]) for user in users))

    read = await _follow(service, since, until=writing)

    assert content_of(read) == entries_of(*(session_id for each in owned.values() for session_id in each))
    assert [one.seq for one in read] == list(range(since + 1, since + 1 + WRITERS * SESSIONS_EACH))


async def _end_one_by_one(service: Service, user: UUID, session_ids: list[UUID]) -> None:
    for session_id in session_ids:
        async with service.runtime.unit_of_work(writing=True) as work:
            assert await work.sessions.end(session_id, of=user)


async def _follow(service: Service, cursor: int, *, until: asyncio.Future[list[None]]) -> list[RevocationRecord]:
    """Read on from the newest number that was seen, again and again, and once more after the last writer."""
    read: list[RevocationRecord] = []
    is_last = False
    while not is_last:
        is_last = until.done()
        new = await revocations_after(service, cursor)
        read += new
        cursor = new[-1].seq if new else cursor
    until.result()
    return read


async def _take_from_the_counter(work: UnitOfWork) -> None:
    await work.revocations.record(RevocationKind.SESSION, [str(uuid4())])


async def _take_from_a_sequence(work: UnitOfWork) -> None:
    """What the locked counter is there to prevent: numbers in the order in which they are taken, not of commits."""
    number = (await work.session.exec(text("SELECT nextval('numbers')"))).scalar_one()  # type: ignore[call-overload]
    digest = revocation_digest(RevocationKind.SESSION, str(uuid4()))
    work.session.add(RevocationRecord(seq=number, kind="sid", digest=digest, before=work.origin.now))
    await work.session.flush()


@pytest.mark.parametrize(
    ("take_number", "misses"),
    [
        pytest.param(_take_from_the_counter, False, id="the locked counter"),
        pytest.param(_take_from_a_sequence, True, id="a sequence: the control, which shows that this test can fail"),
    ],
)
async def test_an_entry_that_is_committed_late_is_not_missed(
    service: Service, take_number: Callable[[UnitOfWork], Awaitable[None]], *, misses: bool
) -> None:
    if service.runtime.database.engine.dialect.name == "sqlite":
        pytest.skip("on SQLite one writer at a time writes")
    since = await newest_number(service)
    async with service.runtime.database.engine.begin() as connection:
        await connection.execute(text(f"CREATE SEQUENCE numbers START {since + 1}"))

    async with service.runtime.unit_of_work(writing=True) as slow:
        await take_number(slow)
        fast = asyncio.create_task(_commit(service, take_number))
        await until_done_or_waiting(service, fast)
        read = await revocations_after(service, since)
    await fast
    read += await revocations_after(service, read[-1].seq if read else since)

    async with service.runtime.database.engine.begin() as connection:
        await connection.execute(text("DROP SEQUENCE numbers"))
    assert ([one.seq for one in read] != [since + 1, since + 2]) is misses


async def _commit(service: Service, take_number: Callable[[UnitOfWork], Awaitable[None]]) -> None:
    async with service.runtime.unit_of_work(writing=True) as work:
        await take_number(work)


async def test_what_is_rolled_back_takes_no_number(service: Service) -> None:
    since = await newest_number(service)

    with pytest.raises(UserNotFoundError):
        await _fail(service)
    await _commit(service, _take_from_the_counter)

    assert [one.seq for one in await revocations_after(service, since)] == [since + 1]


async def _fail(service: Service) -> None:
    async with service.runtime.unit_of_work(writing=True) as work:
        await work.revocations.record(RevocationKind.SESSION, ["one", "two"])
        raise UserNotFoundError


@pytest.mark.parametrize(
    ("kind", "value", "digest"),
    [
        pytest.param(
            RevocationKind.SESSION,
            "01890a5d-ac96-774b-bcce-b302099a8057",
            "AokcHNIq5Y1YDYp_aZT0zQrlvikOaA0B0Cvdrcrd8c8",
            id="sid",
        ),
        pytest.param(
            RevocationKind.CLIENT, "client_first_party", "zuB1_Sf17d34xBJLQYDTnsY20F5CvcRQBk8LRrrapxM", id="client"
        ),
        pytest.param(RevocationKind.KEY, "2026", "bI0bB0EIeBOFkbIwAt3y2HTNe3KL1SGkrGP4MrjaMWk", id="kid"),
    ],
)
def test_a_digest_is_the_one_that_any_language_computes(kind: RevocationKind, value: str, digest: str) -> None:
    assert revocation_digest(kind, value) == digest
