"""How an account comes to be: a stranger registers, or an administrator creates it."""

from dataclasses import dataclass

from pydantic import SecretStr

from auth_service.accounts.account_mail import AccountMail, MailKind
from auth_service.accounts.administrators import lock_administrators
from auth_service.accounts.errors import (
    AdministratorExistsError,
    PasswordRequiredError,
    PrivilegedFieldsError,
    RegistrationClosedError,
)
from auth_service.accounts.pending_registration import PendingRegistrations
from auth_service.accounts.settings import AccountSettings
from auth_service.audit.events import AuditEvent, Origin
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.password import PasswordAuthenticator
from auth_service.authenticators.throttle import Throttle
from auth_service.authenticators.throttle_settings import ThrottleKind
from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize, is_entitled
from auth_service.authz.principal import Principal
from auth_service.db.locks import lock_until_commit
from auth_service.db.session import Session
from auth_service.db.uuid7 import uuid7
from auth_service.users.email_address import normalize_email
from auth_service.users.models import User
from auth_service.users.repository import UserRepository
from auth_service.users.schemas import UserCreate


@dataclass(frozen=True, slots=True)
class Registration:
    """What creates hashes before it writes, and raises EmailTakenError, UsernameTakenError and WeakPasswordError."""

    session: Session
    users: UserRepository
    passwords: PasswordAuthenticator
    throttle: Throttle
    pending: PendingRegistrations
    mail: AccountMail
    audit: AuditTrail
    settings: AccountSettings
    origin: Origin

    async def register(self, principal: Principal | None, new_user: UserCreate) -> User | None:
        """Create an account for a stranger (`principal` is None), for a user who is not an administrator, or by one.

        None where the address has to be proven before there is an account: then nothing that the caller sees, nor how
        long it takes, depends on whether somebody has the address.
        Raises RegistrationClosedError, PrivilegedFieldsError, PasswordRequiredError, InsufficientScopeError,
        TooManyAttemptsError.
        """
        if principal is not None and is_entitled(principal, Action.USER_CREATE):
            return await self.create(principal, new_user)
        if new_user.privileged:
            raise PrivilegedFieldsError(new_user.privileged)
        if not self.settings.registration_open:
            raise RegistrationClosedError
        if new_user.password is None:
            raise PasswordRequiredError
        self.passwords.policy.check(new_user.password, email=new_user.email, username=new_user.username)  # for free
        await self.throttle.admit(ThrottleKind.REGISTRATION, identifier=new_user.email, network=self.origin.network)
        password_hash = await self._enrol(new_user, new_user.password)
        if self.settings.verified_email_required:
            await self.pending.add(new_user, password_hash)
            return None
        user = await self._add(principal, new_user, password_hash, AuditEvent.USER_REGISTERED)
        self.mail.queue(MailKind.VERIFY_EMAIL, email=user.email)
        return user

    async def create(self, principal: Principal, new_user: UserCreate) -> User:
        """Create an account as an administrator; raises AccessDeniedError."""
        authorize(principal, Action.USER_CREATE)
        password_hash = await self._hash(new_user)
        await lock_administrators(self.users, principal)
        return await self._add(principal, new_user, password_hash, AuditEvent.USER_CREATED)

    async def create_first_administrator(self, principal: Principal, new_user: UserCreate) -> User:
        """Create an administrator unless there is one; any number of replicas may ask this at once.

        Raises AdministratorExistsError.
        """
        authorize(principal, Action.USER_CREATE)
        password_hash = await self._hash(new_user)
        await lock_until_commit(self.session, "first-administrator")
        if await self.users.lock_active_administrators():
            raise AdministratorExistsError
        return await self._add(principal, new_user, password_hash, AuditEvent.USER_CREATED)

    async def has_administrator(self, principal: Principal) -> bool:
        """Say whether there is an active administrator."""
        authorize(principal, Action.USER_SEARCH)
        return await self.users.has_active_administrator()

    async def _hash(self, new_user: UserCreate) -> str | None:
        return None if new_user.password is None else await self._enrol(new_user, new_user.password)

    async def _enrol(self, new_user: UserCreate, password: SecretStr) -> str:
        return await self.passwords.enrol(password, email=new_user.email, username=new_user.username)

    async def _add(
        self, principal: Principal | None, new_user: UserCreate, password_hash: str | None, event: AuditEvent
    ) -> User:
        sent = new_user.model_dump(include=set(new_user.privileged))
        user = User(
            id=uuid7(self.origin.now),
            email=new_user.email,
            email_normalized=normalize_email(new_user.email),
            email_verified_at=self.origin.now if sent.get("email_verified") else None,
            username=new_user.username,
            full_name=new_user.full_name,
            hashed_password=password_hash,
            is_active=sent.get("is_active", True),
            is_superuser=sent.get("is_superuser", False),
            created_at=self.origin.now,
            updated_at=self.origin.now,
        )
        await self.users.add(user)
        self.audit.record(event, actor=principal, subject=user.id, privileged=sent)
        return user
