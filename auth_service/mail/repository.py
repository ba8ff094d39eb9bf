"""The queued mail in the database: which one is due, whose it is for now, and what becomes of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, update
from sqlmodel import col, select

from auth_service.db.batches import change_oldest
from auth_service.db.clock import database_now
from auth_service.db.session import Session
from auth_service.mail.models import OutboxMessage
from auth_service.security.errors import UndecryptableError
from auth_service.security.secrets import Rewrapped, SecretBox

BATCH = 1000


@dataclass(frozen=True, slots=True)
class ClaimedMessage:
    """A message that one replica tries to send; `attempts` counts this one too, and is what it holds the claim by."""

    id: UUID
    kind: str
    sealed: bytes = field(repr=False)
    attempts: int
    created_at: datetime
    claimed_at: datetime


class OutboxRepository:
    """The outbox, within one unit of work; moments are the database's."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def claim(self, *, lease: timedelta) -> ClaimedMessage | None:
        """Take the message that has been due for longest; until the lease is over nobody else gets it."""
        now = await self._now()
        due = (
            select(OutboxMessage.id)
            .where(col(OutboxMessage.failed_at).is_(None), col(OutboxMessage.due_at) <= now)
            .order_by(col(OutboxMessage.due_at))
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        statement = (
            update(OutboxMessage)
            .where(col(OutboxMessage.id) == due.scalar_subquery())
            .values(due_at=now + lease, attempts=col(OutboxMessage.attempts) + 1)
            .returning(
                col(OutboxMessage.id),
                col(OutboxMessage.kind),
                col(OutboxMessage.sealed),
                col(OutboxMessage.attempts),
                col(OutboxMessage.created_at),
            )
            .execution_options(synchronize_session=False)
        )
        row = (await self._session.exec(statement)).one_or_none()
        if row is None:
            return None
        id_, kind, sealed, attempts, created_at = row
        return ClaimedMessage(id_, kind, sealed, attempts, created_at, claimed_at=now)

    async def delete(self, claimed: ClaimedMessage) -> None:
        """Remove a message, unless its lease is over and it is somebody else's by now."""
        await self._execute(delete(OutboxMessage).where(*_held(claimed.id, claimed.attempts)))

    async def postpone(self, claimed: ClaimedMessage, *, held_as: int, delay: timedelta) -> None:
        """Try again after `delay`; `held_as` is the count of attempts that is stored, if nobody else has claimed it."""
        values = {"due_at": await self._now() + delay, "attempts": claimed.attempts}
        await self._execute(update(OutboxMessage).where(*_held(claimed.id, held_as)).values(**values))

    async def give_up(self, claimed: ClaimedMessage, *, held_as: int) -> None:
        """Never try again; that it failed is kept for a while, what was in it is not."""
        values = {"failed_at": database_now(), "attempts": claimed.attempts, "sealed": b""}
        await self._execute(update(OutboxMessage).where(*_held(claimed.id, held_as)).values(**values))

    async def delete_given_up(self, *, older_than: timedelta) -> bool:
        """Remove a batch of what was given up that long ago; say whether there may be more."""
        return await change_oldest(
            self._session,
            delete(OutboxMessage),
            col(OutboxMessage.id),
            moment=col(OutboxMessage.failed_at),
            older_than=older_than,
            limit=BATCH,
        )

    async def rewrap_batch(self, box: SecretBox, *, after: UUID | None) -> Rewrapped:
        """Encrypt a batch under the first master key.

        What no master key opens stays as it is: the worker gives it up.
        """
        waiting = select(OutboxMessage.id, OutboxMessage.sealed).where(col(OutboxMessage.failed_at).is_(None))
        if after is not None:
            waiting = waiting.where(col(OutboxMessage.id) > after)
        batch = (await self._session.exec(waiting.order_by(col(OutboxMessage.id)).limit(BATCH))).all()
        changed = unopened = 0
        for id_, sealed in batch:
            try:
                changed += await self._rewrap(box, id_, sealed)
            except UndecryptableError:
                unopened += 1
        return Rewrapped(changed, len(batch), batch[-1][0] if batch else None, unopened)

    async def _rewrap(self, box: SecretBox, id_: UUID, sealed: bytes) -> bool:
        if box.is_current(sealed, context=id_.bytes):
            return False
        new = box.seal(box.open(sealed, context=id_.bytes), context=id_.bytes)
        unchanged = col(OutboxMessage.id) == id_, col(OutboxMessage.sealed) == sealed
        return await self._execute(update(OutboxMessage).where(*unchanged).values(sealed=new)) == 1

    async def _now(self) -> datetime:
        return (await self._session.exec(select(database_now()))).one()

    async def _execute(self, statement: Any) -> int:  # noqa: ANN401 - an UPDATE or a DELETE
        result = await self._session.exec(statement.execution_options(synchronize_session=False))
        return int(result.rowcount)


def _held(id_: UUID, attempts: int) -> tuple[ColumnElement[bool], ...]:
    return (
        col(OutboxMessage.id) == id_,
        col(OutboxMessage.attempts) == attempts,
        col(OutboxMessage.failed_at).is_(None),
    )
