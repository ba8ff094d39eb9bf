"""The SQL of registrations that nobody has confirmed yet; when one expires is measured by the database's clock."""

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, update
from sqlmodel import col, select

from auth_service.accounts.models import PendingRegistration
from auth_service.db.batches import change_oldest
from auth_service.db.clock import database_now
from auth_service.db.session import Session

MAX_TRIES = 5
_BATCH = 1000
_Pending = PendingRegistration


class PendingRegistrationRepository:
    """Attempts to register, within one unit of work."""

    def __init__(self, session: Session) -> None:
        """Read and write in `session`."""
        self._session = session

    async def add(self, attempt: PendingRegistration, *, lifetime: timedelta) -> None:
        """Store an attempt; its moments are set here."""
        attempt.created_at = (await self._session.exec(select(database_now()))).one()
        attempt.expires_at = attempt.created_at + lifetime
        self._session.add(attempt)
        await self._session.flush()

    async def find(self, digest: bytes) -> PendingRegistration | None:
        """Return the attempt when it can still be confirmed, or None."""
        return (
            await self._session.exec(select(_Pending).where(_is_open(col(_Pending.digest) == digest)))
        ).one_or_none()

    async def find_newest(self, email_normalized: str) -> PendingRegistration | None:
        """Return the newest attempt for an address that can still be confirmed, or None."""
        statement = select(_Pending).where(_is_open(col(_Pending.email_normalized) == email_normalized))
        return (await self._session.exec(statement.order_by(col(_Pending.created_at).desc()).limit(1))).first()

    async def give_new_digest(self, attempt: PendingRegistration, digest: bytes, *, lifetime: timedelta) -> bool:
        """Replace the token of an attempt, which voids the older one; False when it was confirmed meanwhile."""
        now = (await self._session.exec(select(database_now()))).one()
        statement = update(_Pending).where(_is_open(col(_Pending.digest) == attempt.digest))
        renewed = statement.values(digest=digest, expires_at=now + lifetime).returning(col(_Pending.digest))
        rows = await self._session.exec(renewed.execution_options(synchronize_session=False))
        return rows.one_or_none() is not None

    async def count_try(self, digest: bytes) -> PendingRegistration | None:
        """Count one more try and return the attempt, or None when it has had all that there are."""
        statement = update(_Pending).where(_is_open(col(_Pending.digest) == digest))
        counted = statement.values(tries=col(_Pending.tries) + 1).returning(_Pending)
        options = {"synchronize_session": False, "populate_existing": True}
        return (await self._session.exec(counted.execution_options(**options))).scalars().one_or_none()

    async def take(self, digest: bytes) -> bool:
        """Remove the attempt: the statement that decides who confirms it. False when it is gone or its time is over."""
        statement = delete(_Pending).where(col(_Pending.digest) == digest, col(_Pending.expires_at) > database_now())
        taken = statement.returning(col(_Pending.digest)).execution_options(synchronize_session=False)
        return (await self._session.exec(taken)).one_or_none() is not None

    async def delete_for(self, email_normalized: str) -> None:
        """Remove every attempt for an address."""
        statement = delete(_Pending).where(col(_Pending.email_normalized) == email_normalized)
        await self._session.exec(statement.execution_options(synchronize_session=False))

    async def delete_expired(self) -> bool:
        """Remove a batch of those whose time is over; say whether there may be more."""
        return await change_oldest(
            self._session,
            delete(_Pending),
            col(_Pending.digest),
            moment=col(_Pending.expires_at),
            older_than=timedelta(0),
            limit=_BATCH,
        )


def _is_open(which: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(which, col(_Pending.expires_at) > database_now(), col(_Pending.tries) < MAX_TRIES)
