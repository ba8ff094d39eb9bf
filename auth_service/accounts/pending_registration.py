"""How an account comes to be where addresses have to be proven: first as an attempt, which its owner confirms."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr

from auth_service.accounts.account_mail import AccountMail, MailKind
from auth_service.accounts.errors import WrongPasswordError
from auth_service.accounts.models import PendingRegistration
from auth_service.accounts.pending_repository import PendingRegistrationRepository
from auth_service.accounts.settings import AccountSettings
from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.errors import InvalidOneTimeTokenError
from auth_service.authenticators.password import PasswordAuthenticator
from auth_service.authenticators.single_use import Purpose, digest_one_time_token, new_one_time_token
from auth_service.db.locks import lock_until_commit
from auth_service.db.session import Session
from auth_service.db.uuid7 import uuid7
from auth_service.users.email_address import normalize_email
from auth_service.users.models import User
from auth_service.users.repository import UserRepository
from auth_service.users.schemas import UserCreate


@dataclass(frozen=True, slots=True)
class PendingRegistrations:
    """Any number of attempts may name one address, each with a password and a token of its own.

    Confirming one takes both. So whoever registers somebody else's address has a password without a token, and whoever
    reads that mail has a token without the password: neither gets an account by what the other one does.
    """

    session: Session
    attempts: PendingRegistrationRepository
    users: UserRepository
    passwords: PasswordAuthenticator
    mail: AccountMail
    audit: AuditTrail
    settings: AccountSettings
    now: datetime

    async def add(self, new_user: UserCreate, password_hash: str) -> None:
        """Keep an attempt and queue its mail, without looking whether somebody has the address."""
        token = new_one_time_token(Purpose.CONFIRM_REGISTRATION)
        attempt = PendingRegistration(
            digest=digest_one_time_token(token, Purpose.CONFIRM_REGISTRATION),
            email=new_user.email,
            email_normalized=normalize_email(new_user.email),
            username=new_user.username,
            full_name=new_user.full_name,
            hashed_password=password_hash,
            created_at=self.now,
            expires_at=self.now,
        )
        await self.attempts.add(attempt, lifetime=self.settings.email_verification_lifetime)
        self.mail.queue(MailKind.CONFIRM_REGISTRATION, email=new_user.email, token=token)

    async def confirm(self, token: str, password: SecretStr) -> None:
        """Create the account of the attempt that `token` belongs to, if `password` is the one that was chosen for it.

        A try is counted, and that committed, before the password is looked at; after five there is no other.
        Raises InvalidOneTimeTokenError, WrongPasswordError, EmailTakenError, UsernameTakenError.
        """
        digest = digest_one_time_token(token, Purpose.CONFIRM_REGISTRATION)
        attempt = await self.attempts.count_try(digest)
        if attempt is None:
            raise InvalidOneTimeTokenError
        if not await self.passwords.matches(password, attempt.hashed_password):
            raise WrongPasswordError
        # One after the other: two that each hold an attempt for this address would wait for the other's.
        await lock_until_commit(self.session, f"registration:{attempt.email_normalized}")
        if not await self.attempts.take(digest):
            raise InvalidOneTimeTokenError
        user = self._build(attempt)
        await self.users.add(user)
        await self.attempts.delete_for(attempt.email_normalized)
        self.audit.record(AuditEvent.USER_REGISTERED, actor=None, subject=user.id, privileged={})

    def _build(self, attempt: PendingRegistration) -> User:
        return User(
            id=uuid7(self.now),
            email=attempt.email,
            email_normalized=attempt.email_normalized,
            email_verified_at=self.now,
            username=attempt.username,
            full_name=attempt.full_name,
            hashed_password=attempt.hashed_password,
            created_at=self.now,
            updated_at=self.now,
        )
