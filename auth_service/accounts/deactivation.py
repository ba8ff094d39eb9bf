"""How a user leaves: the account stays, disabled, until an administrator enables or deletes it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_service.accounts.administrators import lock_administrators
from auth_service.accounts.current_password import CurrentPassword
from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize
from auth_service.authz.principal import Principal
from auth_service.tokens.account_gate import AccountGate
from auth_service.tokens.errors import UnfitAccountError
from auth_service.tokens.sessions import Sessions
from auth_service.users.models import User
from auth_service.users.repository import UserRepository
from auth_service.users.schemas import Deactivation


@dataclass(frozen=True, slots=True)
class AccountDeactivation:
    """One use case; whoever only found a browser open cannot do it, for it takes the password."""

    users: UserRepository
    current_password: CurrentPassword
    gate: AccountGate
    sessions: Sessions
    audit: AuditTrail
    now: datetime

    async def deactivate(self, principal: Principal, user_id: UUID, proof: Deactivation) -> None:
        """Disable one's own account and end its sessions.

        Raises AccessDeniedError, TooManyAttemptsError, WrongPasswordError, LastAdministratorError, and
        UnfitAccountError when the account changed while the password was being checked.
        """
        authorize(principal, Action.USER_DEACTIVATE, owner_id=user_id)
        epoch = await self.current_password.require(
            principal, user_id, proof.current_password, event=AuditEvent.USER_DEACTIVATED
        )
        user = await self._lock(principal, user_id, epoch)
        user.is_active = False
        user.credential_epoch += 1
        user.updated_at = self.now
        self.audit.record(AuditEvent.USER_DEACTIVATED, actor=principal, subject=user_id)
        await self.sessions.end_all_of(user_id)

    async def _lock(self, principal: Principal, user_id: UUID, epoch: int) -> User:
        """Lock the account, and for an administrator all of them before it, as everybody does who may remove one."""
        if principal.is_superuser:
            await lock_administrators(self.users, principal, leaving=user_id)
        user = await self.gate.admit_and_lock(user_id, credential_epoch=epoch)
        if user.is_superuser and not principal.is_superuser:  # made one meanwhile, and nobody counted
            raise UnfitAccountError("promoted", subject=user_id)
        return user
