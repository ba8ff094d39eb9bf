"""How much mail waits, as the database tells whoever watches."""

from datetime import datetime, timedelta

from sqlmodel import select

from auth_service.db.clock import database_now
from auth_service.db.uuid7 import uuid7
from auth_service.mail.backlog import Backlog, read_backlog
from auth_service.mail.models import OutboxMessage
from tests.support.service import Service


async def _store(service: Service, *, due: timedelta, given_up: bool = False) -> None:
    """Store a message that is due so long from now; nobody sends it before the test has ended."""
    async with service.runtime.database.transaction(writing=True) as session:
        now: datetime = (await session.exec(select(database_now()))).one()
        failed_at = now if given_up else None
        session.add(
            OutboxMessage(id=uuid7(now), kind="x", sealed=b"x", created_at=now, due_at=now + due, failed_at=failed_at)
        )


async def _read(service: Service) -> Backlog:
    async with service.runtime.database.transaction(writing=False) as session:
        return await read_backlog(session)


async def test_when_nothing_is_queued_nothing_waits(service: Service) -> None:
    assert await _read(service) == Backlog(waiting=0, given_up=0, overdue_seconds=0)


async def test_what_waits_is_counted_apart_from_what_was_given_up_and_the_first_that_is_due_counts(
    service: Service,
) -> None:
    for due in (timedelta(hours=1), timedelta(hours=-2), timedelta(hours=-1)):
        await _store(service, due=due)
    await _store(service, due=timedelta(days=-9), given_up=True)

    backlog = await _read(service)

    assert (backlog.waiting, backlog.given_up) == (3, 1)
    assert 7200 <= backlog.overdue_seconds < 7260


async def test_mail_that_is_tried_again_later_is_not_overdue(service: Service) -> None:
    await _store(service, due=timedelta(hours=1))

    assert await _read(service) == Backlog(waiting=1, given_up=0, overdue_seconds=0)
