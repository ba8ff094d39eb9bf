"""The one-time token authenticator: the proof "I read the mail that was sent to this address"."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

import structlog

from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.errors import InvalidOneTimeTokenError
from auth_service.authenticators.models import SingleUseToken
from auth_service.authenticators.single_use_repository import SingleUseTokenRepository
from auth_service.authz.principal import Principal
from auth_service.users.email_address import normalize_email
from auth_service.users.models import User
from auth_service.users.repository import UserRepository

log = structlog.get_logger()


class Purpose(StrEnum):
    """What a one-time token is good for; nothing else takes it."""

    VERIFY_EMAIL = "verify_email"
    CONFIRM_REGISTRATION = "confirm_registration"
    CHANGE_EMAIL = "change_email"
    RECOVER_PASSWORD = "recover_password"
    ACCEPT_INVITATION = "accept_invitation"


_PREFIXES: Mapping[Purpose, str] = {
    Purpose.VERIFY_EMAIL: "verify_",
    Purpose.CONFIRM_REGISTRATION: "register_",
    Purpose.CHANGE_EMAIL: "email_",
    Purpose.RECOVER_PASSWORD: "recover_",
    Purpose.ACCEPT_INVITATION: "invite_",
}
"""By these, people and tools that look for leaked secrets recognise one; what it is good for is in the digest."""


def new_one_time_token(purpose: Purpose) -> str:
    """Return a token of 256 random bits."""
    return _PREFIXES[purpose] + secrets.token_urlsafe(32)


def digest_one_time_token(token: str, purpose: Purpose) -> bytes:
    """Return what is stored of a token: of another purpose it would be another digest."""
    return sha256(f"{purpose}\0{token}".encode()).digest()


def purpose_of(token: str, *, among: Sequence[Purpose]) -> Purpose:
    """Return what a token says it is good for; raises InvalidOneTimeTokenError when it is none of those."""
    for purpose in among:
        if token.startswith(_PREFIXES[purpose]):
            return purpose
    raise InvalidOneTimeTokenError


@dataclass(frozen=True, slots=True)
class SingleUseTokens:
    """Issues one-time tokens and uses them up, within one unit of work.

    A token is bound to the account's credential epoch and to the address that it was mailed to. An account has one of a
    purpose at most: a newer one voids the older.
    """

    tokens: SingleUseTokenRepository
    users: UserRepository
    audit: AuditTrail

    async def issue(self, user: User, purpose: Purpose, *, email: str, lifetime: timedelta) -> str:
        """Return a new token that goes to `email`. Lock the user's row first."""
        token = new_one_time_token(purpose)
        digest = digest_one_time_token(token, purpose)
        await self.tokens.replace(user, purpose=purpose, digest=digest, email=email, lifetime=lifetime)
        return token

    async def find(self, token: str, purpose: Purpose) -> User:
        """Return whose token it is, so that slow work is done for good ones only; `redeem` asks everything again.

        Raises InvalidOneTimeTokenError.
        """
        found = await self.tokens.find(digest_one_time_token(token, purpose), purpose=purpose)
        user = await self.users.find(found.user_id) if found is not None else None
        if found is None:
            raise _refused(purpose)
        return self._check(found, user, actor=None)

    async def redeem(
        self, token: str, purpose: Purpose, *, actor: Principal | None = None, of: UUID | None = None
    ) -> tuple[User, str]:
        """Use the token up; return the account, locked, and the address that is proven by it.

        Raises InvalidOneTimeTokenError, also when the account has changed since the token was issued.
        """
        digest = digest_one_time_token(token, purpose)
        found = await self.tokens.find(digest, purpose=purpose)
        # The account first, then its token: whoever issues one, or deletes the account, locks them in this order too.
        user = await self.users.find_for_update(found.user_id) if found is not None else None
        used = await self.tokens.take(digest, purpose=purpose, of=of)
        if used is None:
            raise _refused(purpose)
        return self._check(used, user, actor=actor), used.email

    def _check(self, token: SingleUseToken, user: User | None, *, actor: Principal | None) -> User:
        reason = _why_not(token, user)
        if user is None or reason is not None:
            self.audit.record_refusal(
                AuditEvent.ONE_TIME_TOKEN_REFUSED,
                actor=actor,
                subject=token.user_id,
                purpose=token.purpose,
                reason=reason,
            )
            raise InvalidOneTimeTokenError
        return user


def _refused(purpose: Purpose) -> InvalidOneTimeTokenError:
    """Write that nobody has such a token into the log: strangers must not fill the audit."""
    log.info("one_time_token.refused", purpose=purpose.value)
    return InvalidOneTimeTokenError()


def _why_not(token: SingleUseToken, user: User | None) -> str | None:
    if user is None or not user.is_active:
        return "disabled"
    if user.credential_epoch != token.credential_epoch:
        return "credentials_changed"
    if token.purpose != Purpose.CHANGE_EMAIL and normalize_email(token.email) != user.email_normalized:
        return "address_changed"
    return None
