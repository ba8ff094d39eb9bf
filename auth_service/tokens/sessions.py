"""Opens sessions and ends them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col

from auth_service.db.uuid7 import uuid7
from auth_service.tokens.models import MAX_USER_AGENT_LENGTH, SessionRecord
from auth_service.tokens.refresh_token import RefreshToken
from auth_service.tokens.revocations import RevocationKind, Revocations
from auth_service.tokens.session_repository import SessionRepository
from auth_service.tokens.settings import TokenSettings
from auth_service.users.models import User

MAX_SESSIONS_PER_USER = 100


@dataclass(frozen=True, slots=True)
class Opening:
    """What a new session is to be like; without a `user` it is the client's own, and then it has no refresh token."""

    user: User | None
    client_id: str
    scopes: Sequence[str]
    audiences: Sequence[str]
    amr: Sequence[str]
    network: str | None
    user_agent: str | None
    refreshable: bool


@dataclass(frozen=True, slots=True)
class Sessions:
    """Writes sessions, and tells the other services when one ends, within one unit of work."""

    session_repository: SessionRepository
    revocations: Revocations
    settings: TokenSettings

    async def open(self, opening: Opening) -> tuple[SessionRecord, RefreshToken | None]:
        """Return a new session, which is stored with the end of the use case, and its refresh token if it has one.

        The user's row is locked by the caller; the hundredth session and one more end the one that was used least
        recently.
        """
        user = opening.user
        now, open_ones = await self.session_repository.now_and_open_ones(user.id if user else None)
        token = RefreshToken.generate() if opening.refreshable else None
        lifetime = self.settings.session_lifetime if token else self.settings.access_token_lifetime
        idle = self.settings.session_idle_lifetime if token else lifetime
        record = SessionRecord(
            id=uuid7(now),
            user_id=user.id if user else None,
            client_id=opening.client_id,
            credential_epoch=user.credential_epoch if user else 0,
            scopes=sorted(opening.scopes),
            audiences=list(opening.audiences),
            amr=list(opening.amr),
            network=opening.network,
            user_agent=short_user_agent(opening.user_agent),
            created_at=now,
            last_used_at=now,
            idle_expires_at=now + min(idle, lifetime),
            expires_at=now + lifetime,
            refresh_locator=token.locator if token else None,
            current_digest=token.digest if token else None,
        )
        surplus = (
            await self.session_repository.end_least_recently_used(user.id, keep=MAX_SESSIONS_PER_USER - 1)
            if user and open_ones >= MAX_SESSIONS_PER_USER
            else []
        )
        await self.announce(surplus)
        self.session_repository.add(record)
        return record, token

    async def end(self, session_id: UUID, *, of: UUID | None) -> bool:
        """End a session of the user `of`, or of a client when that is None; False when there is none that goes on."""
        owner = col(SessionRecord.user_id)
        return bool(await self._end(col(SessionRecord.id) == session_id, owner == of if of else owner.is_(None)))

    async def end_all_of(self, user_id: UUID, *, but: UUID | None = None) -> int:
        """End every session of a user, but one if wanted, and return how many there were. Lock the user's row first."""
        others = [col(SessionRecord.id) != but] if but is not None else []
        return await self._end(col(SessionRecord.user_id) == user_id, *others)

    async def end_all_before_deletion(self, user_id: UUID) -> Sequence[UUID]:
        """End every session of a user who is about to be deleted; `announce` them afterwards.

        A deletion can take long, and nobody else can announce anything after somebody has and before they commit.
        """
        return await self.session_repository.end(col(SessionRecord.user_id) == user_id)

    async def _end(self, *which: ColumnElement[bool]) -> int:
        ended = await self.session_repository.end(*which)
        await self.announce(ended)
        return len(ended)

    async def announce(self, session_ids: Sequence[UUID]) -> None:
        """Tell the other services that these sessions have ended."""
        await self.revocations.record(RevocationKind.SESSION, (str(session_id) for session_id in session_ids))


def short_user_agent(user_agent: str | None) -> str | None:
    """Return what is stored and compared of a User-Agent header."""
    return user_agent[:MAX_USER_AGENT_LENGTH] if user_agent else None


def access_token_lifetime(session: SessionRecord, settings: TokenSettings, *, now: datetime) -> timedelta:
    """Return how long an access token of this session is good for: never beyond the session's own end.

    That is its idle end, which is never later than the absolute one. No feed tells others of an end that was foreseen.
    """
    return max(min(settings.access_token_lifetime, session.idle_expires_at - now), timedelta(0))
