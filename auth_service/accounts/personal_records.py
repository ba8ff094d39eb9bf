"""The SQL of what else is stored about a person, besides the account and what they own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func
from sqlmodel import col, select

from auth_service.accounts.models import PendingRegistration
from auth_service.authenticators.models import RecoveryCode, SingleUseToken, TotpCredential
from auth_service.db.session import Session
from auth_service.tokens.models import SessionRecord


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """An authenticator app and its stand-ins, without what proves them."""

    created_at: datetime
    confirmed_at: datetime | None
    recovery_codes: int


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A one-time token that was mailed and can still be used, without the token."""

    purpose: str
    email: str
    created_at: datetime
    expires_at: datetime


class PersonalRecords:
    """What is kept for an account, within one unit of work; secrets, digests and ciphertext are not even read."""

    def __init__(self, session: Session) -> None:
        """Read and write in `session`."""
        self._session = session

    async def sessions_of(self, user_id: UUID, *, at_most: int) -> Sequence[SessionRecord]:
        """Return the sessions that are stored, those that have ended too, the newest first."""
        statement = select(SessionRecord).where(col(SessionRecord.user_id) == user_id)
        newest = statement.order_by(col(SessionRecord.created_at).desc()).limit(at_most)
        return (await self._session.exec(newest)).all()

    async def second_factor_of(self, user_id: UUID) -> SecondFactor | None:
        """Return the second factor, or None."""
        codes = select(func.count()).where(col(RecoveryCode.user_id) == user_id).scalar_subquery()
        statement = select(TotpCredential.created_at, TotpCredential.confirmed_at, codes).where(
            col(TotpCredential.user_id) == user_id
        )
        row = (await self._session.exec(statement)).one_or_none()
        return SecondFactor(*row) if row is not None else None

    async def one_time_tokens_of(self, user_id: UUID) -> list[IssuedToken]:
        """Return the tokens that were mailed; there is one of a purpose at most."""
        statement = select(
            SingleUseToken.purpose, SingleUseToken.email, SingleUseToken.created_at, SingleUseToken.expires_at
        ).where(col(SingleUseToken.user_id) == user_id)
        rows = await self._session.exec(statement.order_by(col(SingleUseToken.purpose)))
        return [IssuedToken(*row) for row in rows]

    async def forget_registrations(self, email_normalized: str) -> None:
        """Remove the attempts to register with this address: no foreign key takes them along."""
        await self._session.exec(
            delete(PendingRegistration).where(col(PendingRegistration.email_normalized) == email_normalized)
        )
