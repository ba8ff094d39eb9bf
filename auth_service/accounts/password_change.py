"""How a user changes their password: by knowing the current one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_service.accounts.account_mail import AccountMail, Notice
from auth_service.accounts.current_password import CurrentPassword
from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.password import PasswordAuthenticator
from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize
from auth_service.authz.principal import Principal
from auth_service.tokens.account_gate import AccountGate
from auth_service.tokens.sessions import Sessions
from auth_service.users.repository import UserRepository
from auth_service.users.schemas import PasswordChange


@dataclass(frozen=True, slots=True)
class PasswordChanger:
    """One use case; afterwards every session that the account had has ended."""

    users: UserRepository
    current_password: CurrentPassword
    passwords: PasswordAuthenticator
    gate: AccountGate
    sessions: Sessions
    mail: AccountMail
    audit: AuditTrail
    now: datetime

    async def change(self, principal: Principal, user_id: UUID, change: PasswordChange) -> None:
        """Replace the password.

        Raises AccessDeniedError, WeakPasswordError, TooManyAttemptsError, WrongPasswordError, and UnfitAccountError
        when the account changed while the passwords were being hashed.
        """
        authorize(principal, Action.PASSWORD_CHANGE, owner_id=user_id)
        user = await self.users.get(user_id)
        email, username = user.email, user.username
        self.passwords.policy.check(change.new_password, email=email, username=username)
        epoch = await self.current_password.require(
            principal, user_id, change.current_password, event=AuditEvent.PASSWORD_CHANGED
        )
        password_hash = await self.passwords.enrol(change.new_password, email=email, username=username)
        user = await self.gate.admit_and_lock(user_id, credential_epoch=epoch)
        user.hashed_password = password_hash
        user.credential_epoch += 1
        user.updated_at = self.now
        self.mail.notify(user.email, Notice.PASSWORD_CHANGED)
        self.audit.record(AuditEvent.PASSWORD_CHANGED, actor=principal, subject=user_id)
        await self.sessions.end_all_of(user_id)
