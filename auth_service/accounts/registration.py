"""How an account comes to be: a stranger registers, or an administrator creates it."""

from dataclasses import dataclass
from datetime import datetime

from auth_service.accounts.administrators import lock_administrators
from auth_service.accounts.errors import (
    AdministratorExistsError,
    PasswordRequiredError,
    PrivilegedFieldsError,
    RegistrationClosedError,
)
from auth_service.accounts.settings import AccountSettings
from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.password import PasswordAuthenticator
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
    audit: AuditTrail
    settings: AccountSettings
    now: datetime

    async def create(self, principal: Principal | None, new_user: UserCreate) -> User:
        """Create an account for a stranger (`principal` is None), for a user who is not an administrator, or by one.

        Raises RegistrationClosedError, PrivilegedFieldsError, PasswordRequiredError, InsufficientScopeError.
        """
        if principal is not None and is_entitled(principal, Action.USER_CREATE):
            authorize(principal, Action.USER_CREATE)
            password_hash = await self._hash(new_user)
            await lock_administrators(self.users, principal)
            return await self._add(principal, new_user, password_hash, AuditEvent.USER_CREATED)
        if new_user.privileged:
            raise PrivilegedFieldsError(new_user.privileged)
        if not self.settings.registration_open:
            raise RegistrationClosedError
        if new_user.password is None:
            raise PasswordRequiredError
        return await self._add(principal, new_user, await self._hash(new_user), AuditEvent.USER_REGISTERED)

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
        if new_user.password is None:
            return None
        return await self.passwords.enrol(new_user.password, email=new_user.email, username=new_user.username)

    async def _add(
        self, principal: Principal | None, new_user: UserCreate, password_hash: str | None, event: AuditEvent
    ) -> User:
        sent = new_user.model_dump(include=set(new_user.privileged))
        user = User(
            id=uuid7(self.now),
            email=new_user.email,
            email_normalized=normalize_email(new_user.email),
            email_verified_at=self.now if sent.get("email_verified") else None,
            username=new_user.username,
            full_name=new_user.full_name,
            hashed_password=password_hash,
            is_active=sent.get("is_active", True),
            is_superuser=sent.get("is_superuser", False),
            created_at=self.now,
            updated_at=self.now,
        )
        await self.users.add(user)
        self.audit.record(event, actor=principal, subject=user.id, privileged=sent)
        return user
