"""How a person adds a second factor to their account and removes it, and how an administrator helps."""

from dataclasses import dataclass
from uuid import UUID

from auth_service.accounts.account_mail import AccountMail, Notice
from auth_service.accounts.administrators import lock_administrators
from auth_service.accounts.errors import (
    EmailNotVerifiedError,
    TotpEnabledError,
    TotpNotFoundError,
    WrongCodeError,
)
from auth_service.accounts.recent_sign_in import RecentSignIn
from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.qr_code import svg_qr_code
from auth_service.authenticators.schemas import RecoveryCodesRead, TotpConfirmation, TotpEnrolment, TotpRead
from auth_service.authenticators.second_factors import ENROLMENT_LIFETIME, SecondFactors
from auth_service.authenticators.settings import SecondFactorSettings
from auth_service.authenticators.throttle import Throttle, Whose
from auth_service.authenticators.throttle_settings import ThrottleKind
from auth_service.authenticators.totp import encode_seed, provisioning_uri
from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize
from auth_service.authz.principal import Principal
from auth_service.tokens.account_gate import AccountGate
from auth_service.tokens.sessions import Sessions
from auth_service.users.models import User
from auth_service.users.repository import UserRepository


@dataclass(frozen=True, slots=True)
class SecondFactorControl:
    """What changes a factor raises ReauthenticationRequiredError unless the caller has just signed in.

    A token that was stolen is seldom that young. Whenever a factor counts from now on, or no longer does, the
    credential epoch rises and every session ends: none goes on that was not opened by what is needed now.
    """

    users: UserRepository
    factors: SecondFactors
    gate: AccountGate
    sessions: Sessions
    mail: AccountMail
    throttle: Throttle
    audit: AuditTrail
    recent_sign_in: RecentSignIn
    settings: SecondFactorSettings

    async def read(self, principal: Principal, user_id: UUID) -> TotpRead:
        """Return whether there is a second factor; raises AccessDeniedError."""
        authorize(principal, Action.SECOND_FACTOR_READ, owner_id=user_id)
        credential = await self.factors.find(user_id)
        return TotpRead(
            enabled=credential is not None,
            confirmed_at=credential.confirmed_at if credential else None,
            recovery_codes_left=await self.factors.repository.count_codes(user_id),
        )

    async def enrol(self, principal: Principal, user_id: UUID) -> TotpEnrolment:
        """Return what an app needs to know; nothing changes until `confirm`.

        Raises AccessDeniedError, TooManyAttemptsError, EmailNotVerifiedError, TotpEnabledError.
        """
        authorize(principal, Action.SECOND_FACTOR_CHANGE, owner_id=user_id)
        await self.throttle.admit(ThrottleKind.COSTLY, **self._whose(user_id))
        user = await self._changeable(principal, user_id)
        await self._assert_addable(user)
        seed = await self.factors.enrol(user_id)
        self.audit.record(AuditEvent.TOTP_OFFERED, actor=principal, subject=user_id)
        uri = provisioning_uri(seed, issuer=self.settings.issuer_name, account=user.email)
        return TotpEnrolment(
            secret=encode_seed(seed),
            otpauth_uri=uri,
            qr_code_svg=svg_qr_code(uri),
            expires_in=int(ENROLMENT_LIFETIME.total_seconds()),
        )

    async def confirm(self, principal: Principal, user_id: UUID, confirmation: TotpConfirmation) -> RecoveryCodesRead:
        """Let the app count, which the code proves to be set up; return the recovery codes.

        Raises AccessDeniedError, EmailNotVerifiedError, TotpEnabledError, WrongCodeError.
        """
        user = await self._changeable(principal, user_id)
        await self._assert_addable(user)
        if not await self.factors.confirm(user_id, confirmation.code):
            self.audit.record_refusal(AuditEvent.TOTP_ADDED, actor=principal, subject=user_id)
            raise WrongCodeError
        codes = await self.factors.renew_recovery_codes(user_id)
        await self._start_anew(user)
        self.audit.record(AuditEvent.TOTP_ADDED, actor=principal, subject=user_id)
        self.mail.notify(user.email, Notice.SECOND_FACTOR_ADDED)
        await self.throttle.session.commit()  # the throttle waits for nobody's transaction
        await self.throttle.succeeded(ThrottleKind.SECOND_FACTOR, **self._whose(user_id))
        return RecoveryCodesRead(recovery_codes=codes)

    async def remove(self, principal: Principal, user_id: UUID) -> None:
        """Remove one's own factor; raises AccessDeniedError, TotpNotFoundError."""
        user = await self._changeable(principal, user_id)
        await self._remove(principal, user)

    async def remove_as_administrator(self, principal: Principal, user_id: UUID) -> None:
        """Remove the factor of somebody who has lost it, and the recovery codes too.

        Raises AccessDeniedError, UserNotFoundError, TotpNotFoundError.
        """
        authorize(principal, Action.SECOND_FACTOR_REMOVE, owner_id=user_id)
        await self.recent_sign_in.demand(principal)
        await lock_administrators(self.users, principal)
        await self._remove(principal, await self.users.get_for_update(user_id))

    async def renew_recovery_codes(self, principal: Principal, user_id: UUID) -> RecoveryCodesRead:
        """Return new recovery codes in the place of the old ones; raises AccessDeniedError, TotpNotFoundError."""
        await self._changeable(principal, user_id)
        if await self.factors.find(user_id) is None:
            raise TotpNotFoundError
        codes = await self.factors.renew_recovery_codes(user_id)
        self.audit.record(AuditEvent.RECOVERY_CODES_RENEWED, actor=principal, subject=user_id)
        return RecoveryCodesRead(recovery_codes=codes)

    def _whose(self, user_id: UUID) -> Whose:
        return {"identifier": str(user_id), "network": self.mail.origin.network}

    async def _changeable(self, principal: Principal, user_id: UUID) -> User:
        """Return the caller's account, locked, if they have just signed in and it has not changed since."""
        authorize(principal, Action.SECOND_FACTOR_CHANGE, owner_id=user_id)
        await self.recent_sign_in.demand(principal)
        return await self.gate.admit_and_lock(user_id, credential_epoch=principal.credential_epoch)

    async def _assert_addable(self, user: User) -> None:
        """Refuse where the address may be somebody else's, whom the factor of a stranger would lock out."""
        if user.email_verified_at is None:
            raise EmailNotVerifiedError
        if await self.factors.find(user.id) is not None:
            raise TotpEnabledError

    async def _remove(self, principal: Principal, user: User) -> None:
        if await self.factors.find(user.id) is None:
            raise TotpNotFoundError
        await self.factors.remove(user.id)
        await self._start_anew(user)
        self.audit.record(AuditEvent.TOTP_REMOVED, actor=principal, subject=user.id)
        self.mail.notify(user.email, Notice.SECOND_FACTOR_REMOVED)

    async def _start_anew(self, user: User) -> None:
        user.credential_epoch += 1
        await self.sessions.end_all_of(user.id)
