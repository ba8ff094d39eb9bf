"""How a person, or an administrator, sees where an account is signed in and ends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from auth_service.accounts.administrators import lock_administrators
from auth_service.accounts.errors import SessionNotFoundError
from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize
from auth_service.authz.principal import Principal
from auth_service.tokens.schemas import SessionRead
from auth_service.tokens.session_repository import SessionRepository
from auth_service.tokens.sessions import Sessions
from auth_service.users.repository import UserRepository


@dataclass(frozen=True, slots=True)
class SessionControl:
    """A session that is ended here is refused by this service at once, and elsewhere as soon as the feed is read."""

    users: UserRepository
    session_repository: SessionRepository
    sessions: Sessions
    audit: AuditTrail

    async def list(self, principal: Principal, user_id: UUID) -> Sequence[SessionRead]:
        """Return the live sessions, the one used last first; raises AccessDeniedError, UserNotFoundError."""
        authorize(principal, Action.SESSION_READ, owner_id=user_id)
        await self.users.get(user_id)
        live = await self.session_repository.live_of(user_id)
        return [SessionRead.of(session, caller=principal.session_id) for session in live]

    async def end(self, principal: Principal, user_id: UUID, session_id: UUID) -> None:
        """End one session; raises AccessDeniedError, SessionNotFoundError."""
        await self._authorize_end(principal, user_id)
        if not await self.sessions.end(session_id, of=user_id):
            raise SessionNotFoundError
        self.audit.record(AuditEvent.SESSION_ENDED, actor=principal, subject=user_id, session=str(session_id))

    async def end_others(self, principal: Principal, user_id: UUID) -> None:
        """End every session of the caller but the one that is calling; raises AccessDeniedError."""
        authorize(principal, Action.SESSION_END, owner_id=user_id)
        await self._end_all(principal, user_id, but=principal.session_id)

    async def end_all(self, principal: Principal, user_id: UUID) -> None:
        """End every session of the account; raises AccessDeniedError, UserNotFoundError."""
        await self._authorize_end(principal, user_id)
        await self._end_all(principal, user_id, but=None)

    async def _authorize_end(self, principal: Principal, user_id: UUID) -> None:
        authorize(principal, Action.SESSION_END, owner_id=user_id)
        if principal.subject != user_id:
            await lock_administrators(self.users, principal)

    async def _end_all(self, principal: Principal, user_id: UUID, *, but: UUID | None) -> None:
        await self.users.get_for_update(user_id)
        ended = await self.sessions.end_all_of(user_id, but=but)
        self.audit.record(AuditEvent.SESSION_ENDED, actor=principal, subject=user_id, count=ended)
