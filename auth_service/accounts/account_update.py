"""How an account is changed, by its owner or by an administrator."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_service.accounts.account_mail import AccountMail, Notice
from auth_service.accounts.administrators import lock_administrators
from auth_service.accounts.errors import EmailChangeNeedsProofError, LastAdministratorError, PrivilegedFieldsError
from auth_service.accounts.settings import AccountSettings
from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize, is_entitled
from auth_service.authz.principal import Principal
from auth_service.tokens.account_gate import AccountGate
from auth_service.tokens.sessions import Sessions
from auth_service.users.email_address import normalize_email
from auth_service.users.models import User
from auth_service.users.repository import UserRepository
from auth_service.users.schemas import UserUpdate


@dataclass(frozen=True, slots=True)
class AccountUpdate:
    """One use case; what was not sent stays as it is."""

    users: UserRepository
    gate: AccountGate
    sessions: Sessions
    mail: AccountMail
    audit: AuditTrail
    settings: AccountSettings
    now: datetime

    async def update(self, principal: Principal, user_id: UUID, change: UserUpdate) -> User:
        """Apply `change` to the account; whoever reads the address that it had before is told of another one.

        One field that the caller may not set refuses the whole body, whatever its value. Raises AccessDeniedError,
        PrivilegedFieldsError, EmailChangeNeedsProofError, UserNotFoundError, LastAdministratorError, EmailTakenError,
        UsernameTakenError, and UnfitAccountError when one's own account changed meanwhile.
        """
        authorize(principal, Action.USER_UPDATE, owner_id=user_id)
        _authorize_fields(principal, change)
        administrators = await self._lock_administrators(principal, user_id, change)
        user = await self._lock(principal, user_id)
        epoch, old_email, old_key = user.credential_epoch, user.email, user.email_normalized
        self._apply(user, change)
        if self.settings.verified_email_required and user.email_verified_at is None and administrators == {user_id}:
            raise LastAdministratorError
        await self.users.save(user)
        if user.email_normalized != old_key:
            self.mail.notify(old_email, Notice.ADDRESS_CHANGED)
        self.audit.record(
            AuditEvent.USER_UPDATED,
            actor=principal,
            subject=user.id,
            fields=sorted(change.model_fields_set),
            privileged=change.model_dump(include=set(change.privileged)),
        )
        if user.credential_epoch != epoch:
            await self.sessions.end_all_of(user.id)
        return user

    async def _lock_administrators(self, principal: Principal, user_id: UUID, change: UserUpdate) -> AbstractSet[UUID]:
        """Lock them where an administrator makes the change, or it may leave fewer of them; return those locked."""
        if _may_remove_an_administrator(change):
            return await lock_administrators(self.users, principal, leaving=user_id)
        if principal.subject != user_id or {"email", "email_verified"} & change.model_fields_set:
            return await lock_administrators(self.users, principal)
        return frozenset()

    async def _lock(self, principal: Principal, user_id: UUID) -> User:
        """Return the account, locked, when the caller may still change it after whatever they waited for."""
        if principal.subject == user_id:
            return await self.gate.admit_and_lock(user_id, credential_epoch=principal.credential_epoch)
        return await self.users.get_for_update(user_id)

    def _apply(self, user: User, change: UserUpdate) -> None:
        sent = change.model_dump(exclude_unset=True)
        if "email" in sent:
            normalized = normalize_email(change.email)
            if normalized != user.email_normalized:
                user.email_verified_at = None
                user.credential_epoch += 1
            user.email_normalized = normalized
        verified = sent.pop("email_verified", user.email_verified_at is not None)
        if verified != (user.email_verified_at is not None):
            user.email_verified_at = self.now if verified else None
            user.credential_epoch += 0 if verified else 1
        if _loses_a_right(user, sent):
            user.credential_epoch += 1
        user.sqlmodel_update(sent)
        user.updated_at = self.now


def _authorize_fields(principal: Principal, change: UserUpdate) -> None:
    if not change.privileged and "email" not in change.model_fields_set:
        return
    if is_entitled(principal, Action.USER_ADMINISTER):
        authorize(principal, Action.USER_ADMINISTER)
    elif change.privileged:
        raise PrivilegedFieldsError(change.privileged)
    else:
        raise EmailChangeNeedsProofError


def _may_remove_an_administrator(change: UserUpdate) -> bool:
    sent = change.model_fields_set
    return ("is_active" in sent and not change.is_active) or ("is_superuser" in sent and not change.is_superuser)


def _loses_a_right(user: User, sent: dict[str, object]) -> bool:
    """Say whether tokens have to end: a disabled account's and a former administrator's are refused from now on."""
    return any(name in sent and not sent[name] and getattr(user, name) for name in ("is_active", "is_superuser"))
