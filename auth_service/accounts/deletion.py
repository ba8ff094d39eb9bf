"""How an account ends: an administrator deletes it, and what it owned goes along; the audit stays."""

from dataclasses import dataclass
from uuid import UUID

from auth_service.accounts.administrators import lock_administrators
from auth_service.accounts.pending_repository import PendingRegistrationRepository
from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize
from auth_service.authz.principal import Principal
from auth_service.tokens.sessions import Sessions
from auth_service.users.repository import UserRepository


@dataclass(frozen=True, slots=True)
class AccountDeletion:
    """What an administrator does: erasure. Only events stay, with bare ids."""

    users: UserRepository
    attempts: PendingRegistrationRepository
    sessions: Sessions
    audit: AuditTrail

    async def delete(self, principal: Principal, user_id: UUID) -> None:
        """Delete the account; raises AccessDeniedError, LastAdministratorError, UserNotFoundError."""
        authorize(principal, Action.USER_DELETE, owner_id=user_id)
        await lock_administrators(self.users, principal, leaving=user_id)
        user = await self.users.get_for_update(user_id)
        ended = await self.sessions.end_all_before_deletion(user_id)
        await self.attempts.delete_for(user.email_normalized)  # no foreign key takes them along
        await self.users.delete(user)
        await self.sessions.announce(ended)
        self.audit.record(AuditEvent.USER_DELETED, actor=principal, subject=user_id)
