"""How much mail waits to be sent, and for how long it has been due: for whoever watches the mail server."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import col

from auth_service.db.clock import database_now
from auth_service.db.session import Session
from auth_service.mail.models import OutboxMessage

MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages; `overdue_seconds` is how long the first of them has been due, 0 when none is."""

    waiting: int
    given_up: int
    overdue_seconds: float


async def read_backlog(session: Session) -> Backlog:
    """Return it by one statement, along the two indexes of the table; neither count goes beyond MOST_COUNTED."""
    is_waiting = col(OutboxMessage.failed_at).is_(None)
    some = [
        select(col(OutboxMessage.id)).where(which).limit(MOST_COUNTED).subquery() for which in (is_waiting, ~is_waiting)
    ]
    counts = [select(func.count()).select_from(each).scalar_subquery() for each in some]
    first_due = select(func.min(col(OutboxMessage.due_at))).where(is_waiting).scalar_subquery()
    question = select(counts[0], counts[1], first_due, database_now())
    waiting, given_up, due_at, now = (await (await session.connection()).execute(question)).one()
    return Backlog(waiting, given_up, _seconds_between(due_at, now))


def _seconds_between(due_at: datetime | None, now: datetime) -> float:
    return 0.0 if due_at is None else max(0.0, (now - due_at).total_seconds())
