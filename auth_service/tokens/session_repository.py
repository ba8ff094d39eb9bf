"""The SQL of sessions; how old one is, is measured by the database's clock, which all replicas share."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, update
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import col, select

from auth_service.clients.models import Client
from auth_service.db.batches import change_oldest
from auth_service.db.clock import database_now
from auth_service.db.hot_statement import HotStatement, columns_of, detached
from auth_service.db.session import Session
from auth_service.tokens.models import SessionRecord
from auth_service.tokens.standing import STANDING_OF_SESSION, Standing
from auth_service.users.models import User

BATCH = 1000


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A session, whose it is, and the database's time: all of it read by one statement."""

    session: SessionRecord
    client: Client
    user: User | None
    now: datetime

    @property
    def standing(self) -> Standing:
        """What the account gate looks at."""
        return Standing.of(self.session, self.client, self.user, self.now)


@dataclass(frozen=True, slots=True)
class SecretRotation:
    """The columns that a refresh changes, besides those that follow from the row and the clock."""

    current_digest: bytes
    successor_salt: bytes
    derivation_key_id: str
    idle_expires_at: datetime
    network: str | None
    user_agent: str | None


class SessionRepository:
    """Sessions, within one unit of work."""

    def __init__(self, session: Session) -> None:
        """Read and write in `session`."""
        self._session = session

    async def standing_of(self, session_id: UUID) -> Standing | None:
        """Return what decides whether the session may be used, as it is now, or None."""
        row = await STANDING_OF_SESSION.find(self._session, session_id=session_id)
        return Standing.of_row(row) if row is not None else None

    async def find(self, session_id: UUID) -> SessionFacts | None:
        """Return for reading the session and whose it is, as they are now, or None."""
        return _facts_of(await _FACTS_BY_ID.find(self._session, session_id=session_id))

    async def find_by_locator(self, locator: str) -> SessionFacts | None:
        """Return for reading the session of a refresh token and whose it is, as they are now, or None."""
        return _facts_of(await _FACTS_BY_LOCATOR.find(self._session, locator=locator))

    def add(self, record: SessionRecord) -> None:
        """Store a new session when the transaction ends."""
        row = {name: getattr(record, name) for name in SessionRecord.model_fields}
        self._session.insert_at_commit(_INSERTION, row)

    async def rotate(self, record: SessionRecord, rotation: SecretRotation) -> bool:
        """Replace the current secret of `record`, unless somebody else has: the statement that decides who wins."""
        parameters = {"locator": record.refresh_locator, "presented": record.current_digest}
        values = {each.name: getattr(rotation, each.name) for each in fields(rotation)}
        new = {f"new_{name}": value for name, value in values.items()}
        connection = await self._session.connection()
        if (await connection.execute(_ROTATION, {**parameters, **new})).one_or_none() is None:
            return False
        for name, value in values.items():
            set_committed_value(record, name, value)
        return True

    async def live_of(self, user_id: UUID) -> Sequence[SessionRecord]:
        """Return a user's live sessions, the one used last first."""
        now = database_now()
        statement = select(SessionRecord).where(
            col(SessionRecord.user_id) == user_id,
            col(SessionRecord.ended_at).is_(None),
            col(SessionRecord.idle_expires_at) > now,
        )
        return (await self._session.exec(statement.order_by(col(SessionRecord.last_used_at).desc()))).all()

    async def newest_of(self, user_id: UUID, *, at_most: int) -> Sequence[SessionRecord]:
        """Return a user's sessions as they are stored, those that have ended too, the newest first."""
        statement = select(SessionRecord).where(col(SessionRecord.user_id) == user_id)
        newest = statement.order_by(col(SessionRecord.created_at).desc(), col(SessionRecord.id).desc())
        return (await self._session.exec(newest.limit(at_most))).all()

    async def end(self, *which: ColumnElement[bool]) -> Sequence[UUID]:
        """End the sessions that `which` describes and that have not ended; return their ids.

        They are not used any more from now on, so they are removed as soon as those that nobody refreshed.
        """
        now = database_now()
        statement = (
            update(SessionRecord)
            .where(*which, col(SessionRecord.ended_at).is_(None))
            .values(ended_at=now, idle_expires_at=now, successor_salt=None)
            .returning(col(SessionRecord.id))
            .execution_options(synchronize_session=False)
        )
        return (await self._session.exec(statement)).scalars().all()

    async def now_and_open_ones(self, user_id: UUID | None) -> tuple[datetime, int]:
        """Read the database's clock, and how many sessions of a user have not ended."""
        row = await _NOW_AND_OPEN_ONES.find_within(self._session, user_id=user_id)
        now, open_ones = row or ()  # there is always one
        return now, open_ones

    async def end_least_recently_used(self, user_id: UUID, *, keep: int) -> Sequence[UUID]:
        """End all but the `keep` sessions of a user that were used last; return the ids of those that ended."""
        open_ones = select(SessionRecord.id).where(
            col(SessionRecord.user_id) == user_id, col(SessionRecord.ended_at).is_(None)
        )
        beyond = open_ones.order_by(col(SessionRecord.last_used_at).desc(), col(SessionRecord.id).desc()).offset(keep)
        return await self.end(col(SessionRecord.id).in_(beyond))

    async def wipe_salts(self, *, older_than: timedelta) -> bool:
        """Forget what a batch of successors, which can no longer be asked for again, were derived with."""
        return await change_oldest(
            self._session,
            update(SessionRecord).values(successor_salt=None),
            col(SessionRecord.id),
            col(SessionRecord.successor_salt).is_not(None),
            moment=col(SessionRecord.rotated_at),
            older_than=older_than,
            limit=BATCH,
        )

    async def delete_expired(self, *, older_than: timedelta) -> bool:
        """Remove a batch of sessions that ended or expired that long ago; say whether there may be more."""
        return await change_oldest(
            self._session,
            delete(SessionRecord),
            col(SessionRecord.id),
            moment=col(SessionRecord.idle_expires_at),
            older_than=older_than,
            limit=BATCH,
        )


# They are put together once: that takes as long as running them.
_NOW_AND_OPEN_ONES = HotStatement(
    select(
        database_now(),
        select(func.count())
        .where(col(SessionRecord.user_id) == bindparam("user_id"), col(SessionRecord.ended_at).is_(None))
        .scalar_subquery(),
    )
)
_SESSION, _CLIENT, _USER = columns_of(SessionRecord), columns_of(Client), columns_of(User)
_FACTS = (
    select(*(*_SESSION, *_CLIENT, database_now(), *_USER))
    .select_from(SessionRecord)
    .join(Client, col(Client.id) == col(SessionRecord.client_id))
    .join(User, col(User.id) == col(SessionRecord.user_id), isouter=True)
)
_FACTS_BY_ID = HotStatement(_FACTS.where(col(SessionRecord.id) == bindparam("session_id")))
_FACTS_BY_LOCATOR = HotStatement(_FACTS.where(col(SessionRecord.refresh_locator) == bindparam("locator")))
_INSERTION = insert(SessionRecord)
_ROTATION = (
    update(SessionRecord)
    .where(
        col(SessionRecord.refresh_locator) == bindparam("locator"),
        col(SessionRecord.current_digest) == bindparam("presented"),
        col(SessionRecord.ended_at).is_(None),
    )
    .values(
        {each.name: bindparam(f"new_{each.name}") for each in fields(SecretRotation)}
        | {"previous_digest": bindparam("presented"), "rotated_at": database_now(), "last_used_at": database_now()}
    )
    .returning(col(SessionRecord.id))
    .execution_options(synchronize_session=False)
)


def _facts_of(row: Sequence[Any] | None) -> SessionFacts | None:
    if row is None:
        return None
    client, now = len(_SESSION), len(_SESSION) + len(_CLIENT)
    user = detached(User, row[now + 1 :]) if row[now + 1] is not None else None
    return SessionFacts(detached(SessionRecord, row[:client]), detached(Client, row[client:now]), user, row[now])
