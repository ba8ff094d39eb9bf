"""What becomes of queued mail: whom it goes to, and which one-time token is in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth_service.accounts.account_mail import MailKind
from auth_service.accounts.pending_repository import PendingRegistrationRepository
from auth_service.accounts.settings import AccountSettings
from auth_service.audit.events import AuditEvent, Origin
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.single_use import Purpose, SingleUseTokens, digest_one_time_token, new_one_time_token
from auth_service.db.session import Session
from auth_service.mail.messages import Composer, Mail
from auth_service.mail.outbox import MailContent
from auth_service.users.email_address import normalize_email
from auth_service.users.models import User
from auth_service.users.repository import UserRepository


@dataclass(frozen=True, slots=True)
class MailComposers:
    """They look at accounts after the answer was sent: what they find, no stranger sees.

    Mail goes to the address as the account has it, never to a stranger's spelling of it. A disabled account gets none.
    Notices are the exception: they go to the address that the use case named, whatever has become of the account.
    """

    session: Session
    users: UserRepository
    attempts: PendingRegistrationRepository
    tokens: SingleUseTokens
    settings: AccountSettings
    now: datetime

    def by_kind(self) -> Mapping[str, Composer]:
        """Return all of them."""
        return {
            MailKind.VERIFY_EMAIL: self.verify_email,
            MailKind.CONFIRM_REGISTRATION: self.confirm_registration,
            MailKind.CONFIRM_NEW_ADDRESS: self.confirm_new_address,
            MailKind.RECOVER_PASSWORD: self.recover_password,
            MailKind.INVITATION: self.invitation,
            MailKind.NOTICE: self.notice,
        }

    async def verify_email(self, content: MailContent) -> Mail | None:
        """For an account whose address is not proven yet, else for the newest attempt to register it."""
        user = await self._lock(content)
        if user is None:
            return await self._confirm_newest_attempt(content)
        if not user.is_active or user.email_verified_at is not None:
            return None
        lifetime = self.settings.email_verification_lifetime
        token = await self._issue(user, Purpose.VERIFY_EMAIL, user.email, lifetime, content)
        return Mail(
            user.email, "verify-email", content.get("languages"), page="verify-email", token=token, expires_in=lifetime
        )

    async def confirm_registration(self, content: MailContent) -> Mail | None:
        """For an attempt to register; who has an account already gets no token, but learns of the attempt."""
        user = await self._lock(content)
        if user is not None:
            return _plain(user.email, "already-registered", content) if user.is_active else None
        digest = digest_one_time_token(content["token"], Purpose.CONFIRM_REGISTRATION)
        attempt = await self.attempts.find(digest)
        if attempt is None:
            return None
        lifetime = self.settings.email_verification_lifetime
        return Mail(
            attempt.email,
            "confirm-registration",
            content.get("languages"),
            page="verify-email",
            token=content["token"],
            expires_in=lifetime,
        )

    async def confirm_new_address(self, content: MailContent) -> Mail | None:
        """For the address that an account wants to change to; if another account has it, that one gets a notice."""
        holder = await self.users.find_by_identifier(content["email"])
        if holder is not None and str(holder.id) != content["user_id"]:
            return _plain(holder.email, "address-in-use", content) if holder.is_active else None
        user = await self.users.find_for_update(UUID(content["user_id"]))
        if user is None or not user.is_active or str(user.credential_epoch) != content["credential_epoch"]:
            return None
        lifetime, address = self.settings.email_change_lifetime, content["email"]
        token = await self._issue(user, Purpose.CHANGE_EMAIL, address, lifetime, content)
        return Mail(
            address,
            "confirm-new-address",
            content.get("languages"),
            page="change-email",
            token=token,
            expires_in=lifetime,
        )

    async def recover_password(self, content: MailContent) -> Mail | None:
        """For an account that has a password to forget."""
        user = await self._lock(content)
        if user is None or not user.is_active or user.hashed_password is None:
            return None
        lifetime = self.settings.password_recovery_lifetime
        token = await self._issue(user, Purpose.RECOVER_PASSWORD, user.email, lifetime, content)
        return Mail(
            user.email,
            "recover-password",
            content.get("languages"),
            page="reset-password",
            token=token,
            expires_in=lifetime,
        )

    async def invitation(self, content: MailContent) -> Mail | None:
        """For an account that has no password yet."""
        user = await self._lock(content)
        if user is None or not user.is_active or user.hashed_password is not None:
            return None
        lifetime = self.settings.invitation_lifetime
        token = await self._issue(user, Purpose.ACCEPT_INVITATION, user.email, lifetime, content)
        return Mail(
            user.email,
            "invitation",
            content.get("languages"),
            page="accept-invitation",
            token=token,
            expires_in=lifetime,
        )

    async def notice(self, content: MailContent) -> Mail | None:
        """For whoever has to know; the use case has said whom."""
        return _plain(content["email"], content["notice"], content)

    async def _confirm_newest_attempt(self, content: MailContent) -> Mail | None:
        attempt = await self.attempts.find_newest(normalize_email(content["email"]))
        lifetime = self.settings.email_verification_lifetime
        token = new_one_time_token(Purpose.CONFIRM_REGISTRATION)
        digest = digest_one_time_token(token, Purpose.CONFIRM_REGISTRATION)
        if attempt is None or not await self.attempts.give_new_digest(attempt, digest, lifetime=lifetime):
            return None
        return Mail(
            attempt.email,
            "confirm-registration",
            content.get("languages"),
            page="verify-email",
            token=token,
            expires_in=lifetime,
        )

    async def _lock(self, content: MailContent) -> User | None:
        """Return the account that is meant, by its id or by its address, and lock it."""
        if "user_id" in content:
            return await self.users.find_for_update(UUID(content["user_id"]))
        found = await self.users.find_by_identifier(content["email"])
        return await self.users.find_for_update(found.id) if found is not None else None

    async def _issue(
        self, user: User, purpose: Purpose, address: str, lifetime: timedelta, content: MailContent
    ) -> str:
        """Issue the token; the audit says whose request that goes back to."""
        asked = Origin(self.now, network=content.get("network"), request_id=content.get("request_id"))
        audit = AuditTrail(self.session, asked)
        audit.record(AuditEvent.ONE_TIME_TOKEN_ISSUED, actor=None, subject=user.id, purpose=purpose)
        return await self.tokens.issue(user, purpose, email=address, lifetime=lifetime)


def _plain(recipient: str, template: str, content: MailContent) -> Mail:
    return Mail(recipient, template, content.get("languages"))
