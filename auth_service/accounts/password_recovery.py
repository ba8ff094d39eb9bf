"""How somebody who does not know the password gets a new one: by reading what is sent to the account's address."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_service.accounts.account_mail import AccountMail, MailKind, Notice
from auth_service.accounts.administrators import lock_administrators
from auth_service.accounts.errors import AccountDisabledError, NoPasswordError, PasswordExistsError
from auth_service.accounts.schemas import TO_AN_ACCOUNT, Accepted, PasswordRecoveryConfirm
from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.password import PasswordAuthenticator
from auth_service.authenticators.single_use import Purpose, SingleUseTokens, purpose_of
from auth_service.authenticators.throttle import Throttle
from auth_service.authenticators.throttle_settings import ThrottleKind
from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize
from auth_service.authz.principal import Principal
from auth_service.tokens.sessions import Sessions
from auth_service.users.models import User
from auth_service.users.repository import UserRepository


@dataclass(frozen=True, slots=True)
class PasswordRecovery:
    """Asked for by anybody, or started by an administrator; completed by whoever reads the account's mail.

    It does not sign in, and it leaves a second factor where it is.
    """

    users: UserRepository
    tokens: SingleUseTokens
    passwords: PasswordAuthenticator
    sessions: Sessions
    mail: AccountMail
    throttle: Throttle
    audit: AuditTrail
    now: datetime

    async def request(self, email: str) -> Accepted:
        """Queue a recovery; nobody is told whether somebody has the address.

        Raises MailOffError, TooManyAttemptsError.
        """
        await self.mail.admit(email, ThrottleKind.RECOVERY_MAIL)
        self.mail.queue(MailKind.RECOVER_PASSWORD, email=email)
        return Accepted()

    async def start(self, principal: Principal, user_id: UUID) -> Accepted:
        """Queue a recovery for an account, as an administrator.

        Raises AccessDeniedError, MailOffError, UserNotFoundError, AccountDisabledError, NoPasswordError.
        """
        user = await self._administered(principal, Action.RECOVERY_START, user_id)
        if user.hashed_password is None:
            raise NoPasswordError
        self.mail.queue_for_administrator(MailKind.RECOVER_PASSWORD, user_id=user_id)
        self.audit.record(AuditEvent.RECOVERY_STARTED, actor=principal, subject=user_id)
        return Accepted(detail=TO_AN_ACCOUNT)

    async def invite(self, principal: Principal, user_id: UUID) -> Accepted:
        """Queue an invitation to an account that has no password yet, as an administrator.

        Raises AccessDeniedError, MailOffError, UserNotFoundError, AccountDisabledError, PasswordExistsError.
        """
        user = await self._administered(principal, Action.USER_INVITE, user_id)
        if user.hashed_password is not None:
            raise PasswordExistsError
        self.mail.queue_for_administrator(MailKind.INVITATION, user_id=user_id)
        self.audit.record(AuditEvent.INVITATION_SENT, actor=principal, subject=user_id)
        return Accepted(detail=TO_AN_ACCOUNT)

    async def confirm(self, proof: PasswordRecoveryConfirm) -> None:
        """Set the password; every session ends, and the address is proven by this too.

        Raises InvalidOneTimeTokenError, TooManyAttemptsError, WeakPasswordError.
        """
        token = proof.token.get_secret_value()
        purpose = purpose_of(token, among=(Purpose.RECOVER_PASSWORD, Purpose.ACCEPT_INVITATION))
        found = await self.tokens.find(token, purpose)
        await self.throttle.admit(ThrottleKind.PASSWORD, identifier=found.email, network=self.mail.origin.network)
        password_hash = await self.passwords.enrol(proof.new_password, email=found.email, username=found.username)
        user, _address = await self.tokens.redeem(token, purpose)
        user.hashed_password = password_hash
        user.email_verified_at = user.email_verified_at or self.now
        user.credential_epoch += 1
        user.updated_at = self.now
        self.mail.notify(user.email, Notice.PASSWORD_CHANGED)
        self.audit.record(AuditEvent.PASSWORD_RECOVERED, actor=None, subject=user.id, by=purpose)
        await self.sessions.end_all_of(user.id)
        await self._forgive_guesses(user.email)

    async def _forgive_guesses(self, email: str) -> None:
        """Let them sign in at once: most who recover have guessed before, and this proof is as good as the password."""
        await self.throttle.session.commit()  # the throttle waits for nobody's transaction
        await self.throttle.succeeded(ThrottleKind.SIGN_IN, identifier=email, network=self.mail.origin.network)

    async def _administered(self, principal: Principal, action: Action, user_id: UUID) -> User:
        authorize(principal, action, owner_id=user_id)
        self.mail.require()
        await lock_administrators(self.users, principal)
        user = await self.users.get(user_id)
        if not user.is_active:
            raise AccountDisabledError
        return user
