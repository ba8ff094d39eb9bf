"""What decides whether a session may be used now, read by the one statement that every authenticated request makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col

from auth_service.clients.models import Client
from auth_service.db.clock import database_now
from auth_service.db.hot_statement import HotStatement, columns_of, detached
from auth_service.tokens.models import SessionRecord
from auth_service.users.models import User


@dataclass(frozen=True, slots=True)
class Standing:
    """Facts of a session, of its client and of whose it is, and the database's time; `user` is in no session."""

    user_id: UUID | None
    client_id: str
    credential_epoch: int
    created_at: datetime
    ended_at: datetime | None
    idle_expires_at: datetime
    client_is_active: bool
    client_sessions_ended_at: datetime | None
    now: datetime
    user: User | None

    @classmethod
    def of(cls, session: SessionRecord, client: Client, user: User | None, now: datetime) -> Self:
        """Return the same facts of rows that were read whole."""
        return cls(
            session.user_id,
            session.client_id,
            session.credential_epoch,
            session.created_at,
            session.ended_at,
            session.idle_expires_at,
            client.is_active,
            client.sessions_ended_at,
            now,
            user,
        )

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Self:
        """Return the facts in a row of STANDING_OF_SESSION."""
        user = None if row[0] is None or row[_FACTS] is None else detached(User, row[_FACTS:])
        return cls(*(*row[:_FACTS], user))


_FACTS = 9
STANDING_OF_SESSION = HotStatement(
    select(
        col(SessionRecord.user_id),
        col(SessionRecord.client_id),
        col(SessionRecord.credential_epoch),
        col(SessionRecord.created_at),
        col(SessionRecord.ended_at),
        col(SessionRecord.idle_expires_at),
        col(Client.is_active),
        col(Client.sessions_ended_at),
        database_now(),
        *columns_of(User),
    )
    .select_from(SessionRecord)
    .join(Client, col(Client.id) == col(SessionRecord.client_id))
    .join(User, col(User.id) == col(SessionRecord.user_id), isouter=True)
    .where(col(SessionRecord.id) == bindparam("session_id"))
)
