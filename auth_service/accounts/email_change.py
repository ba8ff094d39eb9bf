"""How a user changes their address: by knowing the password, and by reading what is sent to the new one."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import SecretStr

from auth_service.accounts.account_mail import AccountMail, MailKind, Notice
from auth_service.accounts.current_password import CurrentPassword
from auth_service.accounts.schemas import Accepted, EmailChangeRequest
from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.single_use import Purpose, SingleUseTokens
from auth_service.authenticators.throttle_settings import ThrottleKind
from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize
from auth_service.authz.principal import Principal
from auth_service.tokens.account_gate import AccountGate
from auth_service.tokens.errors import UnfitAccountError
from auth_service.tokens.sessions import Sessions
from auth_service.users.email_address import normalize_email
from auth_service.users.repository import UserRepository


@dataclass(frozen=True, slots=True)
class EmailChange:
    """Two use cases; after the second every session that the account had has ended, and the new address is proven."""

    users: UserRepository
    tokens: SingleUseTokens
    current_password: CurrentPassword
    gate: AccountGate
    sessions: Sessions
    mail: AccountMail
    audit: AuditTrail
    now: datetime

    async def request(self, principal: Principal, user_id: UUID, change: EmailChangeRequest) -> Accepted:
        """Queue a mail to the new address, and a notice to the present one.

        Raises AccessDeniedError, MailOffError, TooManyAttemptsError, WrongPasswordError, and UnfitAccountError when the
        account changed while the password was being checked.
        """
        authorize(principal, Action.EMAIL_CHANGE, owner_id=user_id)
        self.mail.outbox.require()
        epoch = await self.current_password.require(
            principal, user_id, change.current_password, event=AuditEvent.EMAIL_CHANGE_REQUESTED
        )
        await self.mail.admit(change.new_email, ThrottleKind.ADDRESS_MAIL)
        user = await self.gate.admit_and_lock(user_id, credential_epoch=epoch)
        self.mail.queue(
            MailKind.CONFIRM_NEW_ADDRESS, user_id=str(user_id), credential_epoch=str(epoch), email=change.new_email
        )
        self.mail.notify(user.email, Notice.ADDRESS_CHANGE_REQUESTED)
        self.audit.record(AuditEvent.EMAIL_CHANGE_REQUESTED, actor=principal, subject=user_id)
        return Accepted()

    async def confirm(self, principal: Principal, user_id: UUID, token: SecretStr) -> None:
        """Take the new address over; only the account that the token was issued to can use it.

        Raises AccessDeniedError, InvalidOneTimeTokenError, EmailTakenError, UnfitAccountError.
        """
        authorize(principal, Action.EMAIL_CHANGE, owner_id=user_id)
        secret = token.get_secret_value()
        user, new_email = await self.tokens.redeem(secret, Purpose.CHANGE_EMAIL, actor=principal, of=user_id)
        if user.credential_epoch != principal.credential_epoch:
            raise UnfitAccountError("credentials_changed", subject=user_id)
        old_email = user.email
        user.email = new_email
        user.email_normalized = normalize_email(new_email)
        user.email_verified_at = self.now
        user.credential_epoch += 1
        user.updated_at = self.now
        await self.users.save(user)
        self.mail.notify(old_email, Notice.ADDRESS_CHANGED)
        self.audit.record(AuditEvent.EMAIL_CHANGED, actor=principal, subject=user_id)
        await self.sessions.end_all_of(user_id)
