"""The question for the password that somebody has, before something about their account changes."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import SecretStr

from auth_service.accounts.errors import WrongPasswordError
from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.password import PasswordAuthenticator
from auth_service.authenticators.throttle_settings import ThrottleKind
from auth_service.authz.principal import Principal
from auth_service.users.repository import UserRepository


@dataclass(frozen=True, slots=True)
class CurrentPassword:
    """What a stolen access token does not have."""

    users: UserRepository
    passwords: PasswordAuthenticator
    audit: AuditTrail

    async def require(self, principal: Principal, user_id: UUID, password: SecretStr, *, event: AuditEvent) -> int:
        """Return the credential epoch that the account had when its password was found right.

        The check ends the transaction: whoever acts on it asks the account gate for this very epoch. A refusal is
        recorded as one of `event`. Raises TooManyAttemptsError, WrongPasswordError.
        """
        user = await self.users.get(user_id)
        epoch = user.credential_epoch  # copied now: the gate refreshes this very object
        verification = await self.passwords.verify(user, password, kind=ThrottleKind.PASSWORD, identifier=user.email)
        if not verification.matches:
            self.audit.record_refusal(event, actor=principal, subject=user_id)
            raise WrongPasswordError
        return epoch
