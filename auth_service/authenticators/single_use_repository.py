"""The SQL of one-time tokens; when one expires is measured by the database's clock."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col, select

from auth_service.authenticators.models import SingleUseToken
from auth_service.db.batches import change_oldest
from auth_service.db.clock import database_now
from auth_service.db.session import Session
from auth_service.users.models import User

_BATCH = 1000


class SingleUseTokenRepository:
    """One-time tokens, within one unit of work."""

    def __init__(self, session: Session) -> None:
        """Read and write in `session`."""
        self._session = session

    async def replace(self, user: User, *, purpose: str, digest: bytes, email: str, lifetime: timedelta) -> None:
        """Store a token in place of the account's older one of that purpose. Lock the user's row first."""
        older = delete(SingleUseToken).where(
            col(SingleUseToken.user_id) == user.id, col(SingleUseToken.purpose) == purpose
        )
        await self._session.exec(older.execution_options(synchronize_session=False))
        now = (await self._session.exec(select(database_now()))).one()
        token = SingleUseToken(
            digest=digest,
            purpose=purpose,
            user_id=user.id,
            credential_epoch=user.credential_epoch,
            email=email,
            created_at=now,
            expires_at=now + lifetime,
        )
        self._session.add(token)
        await self._session.flush()

    async def find(self, digest: bytes, *, purpose: str) -> SingleUseToken | None:
        """Return the token when its time is not over, or None; using it is another matter."""
        token = SingleUseToken
        statement = select(token).where(
            col(token.digest) == digest, col(token.purpose) == purpose, col(token.expires_at) > database_now()
        )
        return (await self._session.exec(statement)).one_or_none()

    async def all_of(self, user_id: UUID) -> Sequence[SingleUseToken]:
        """Return the account's tokens as they are stored, those whose time is over too."""
        statement = select(SingleUseToken).where(col(SingleUseToken.user_id) == user_id)
        return (await self._session.exec(statement.order_by(col(SingleUseToken.purpose)))).all()

    async def take(self, digest: bytes, *, purpose: str, of: UUID | None) -> SingleUseToken | None:
        """Remove the token and return it: the statement that decides who uses it. None when there is none any more."""
        token = SingleUseToken
        which = [col(token.digest) == digest, col(token.purpose) == purpose, col(token.expires_at) > database_now()]
        if of is not None:
            which.append(col(token.user_id) == of)
        statement = delete(token).where(*which).returning(token).execution_options(synchronize_session=False)
        return (await self._session.exec(statement)).scalars().one_or_none()

    async def delete_expired(self) -> bool:
        """Remove a batch of those whose time is over; say whether there may be more."""
        return await change_oldest(
            self._session,
            delete(SingleUseToken),
            col(SingleUseToken.digest),
            moment=col(SingleUseToken.expires_at),
            older_than=timedelta(0),
            limit=_BATCH,
        )
