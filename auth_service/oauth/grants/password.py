"""The resource owner password credentials grant (RFC 6749 section 4.3), for clients that are allowed it."""

from dataclasses import dataclass

from pydantic import SecretStr

from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.password import PasswordAuthenticator
from auth_service.authenticators.second_factors import SecondFactors
from auth_service.authenticators.throttle_settings import ThrottleKind
from auth_service.authz.scopes import Scope, grantable_scopes
from auth_service.oauth.challenges import CHALLENGE_LIFETIME, Pending, SignInChallenges
from auth_service.oauth.errors import InvalidGrantError, InvalidRequestError, InvalidScopeError, MfaRequiredError
from auth_service.oauth.grants.messages import TokenRequest, TokenResponse
from auth_service.oauth.sign_in import SignIn
from auth_service.security.passwords import Verification
from auth_service.tokens.account_gate import AccountGate
from auth_service.tokens.errors import UnfitAccountError
from auth_service.users.fields import MAX_PASSWORD_LENGTH, composed_password
from auth_service.users.models import User
from auth_service.users.repository import UserRepository

_AMR = ("pwd",)  # RFC 8176


@dataclass(frozen=True, slots=True)
class PasswordGrant:
    """Sign-in. Everything that depends on the account happens after the hash, and refuses with one answer."""

    users: UserRepository
    passwords: PasswordAuthenticator
    gate: AccountGate
    factors: SecondFactors
    challenges: SignInChallenges
    sign_in: SignIn
    audit: AuditTrail

    async def issue(self, request: TokenRequest) -> TokenResponse:
        """Return tokens for the account that `username` and `password` prove.

        Raises InvalidRequestError, InvalidGrantError, InvalidScopeError, TooManyAttemptsError, HashingOverloadedError,
        and MfaRequiredError when that is only the first of two factors.
        """
        identifier, password = request.parameters.get("username"), request.parameters.get("password")
        if identifier is None or password is None or _is_too_long(password):
            raise InvalidRequestError
        user = await self._authenticate(identifier, SecretStr(password), request)
        grantable = grantable_scopes(is_superuser=user.is_superuser) & request.client.grantable_scopes
        scopes = grantable if request.scopes is None else request.scopes
        if not scopes <= grantable:
            self._record_refusal(user, request, InvalidScopeError.code)
            raise InvalidScopeError
        if await self.factors.find(user.id) is not None:
            raise await self._ask_for_second_factor(user, request, scopes)
        return await self.sign_in.complete(user, request.client, scopes=scopes, audiences=request.audiences, amr=_AMR)

    async def _ask_for_second_factor(
        self, user: User, request: TokenRequest, scopes: frozenset[Scope]
    ) -> MfaRequiredError:
        """Keep what the password is good for until the second factor is there; no session is opened yet."""
        client_id = request.client.id
        self.audit.record(AuditEvent.SIGN_IN_CHALLENGED, actor=None, subject=user.id, client_id=client_id)
        token = await self.challenges.open(
            Pending(
                user_id=user.id,
                credential_epoch=user.credential_epoch,
                client_id=client_id,
                scopes=sorted(scopes),
                audiences=request.audiences,
                amr=_AMR,
            )
        )
        return MfaRequiredError(token, lifetime=CHALLENGE_LIFETIME)

    async def _authenticate(self, identifier: str, password: SecretStr, request: TokenRequest) -> User:
        """Return the account, locked. The gate is asked after the hash: the password may have changed meanwhile."""
        found = await self.users.find_by_identifier(identifier)
        # What the password is checked against: the gate reads the account anew, and may find another one.
        epoch = found.credential_epoch if found else 0
        verified_hash = found.hashed_password if found else None
        fault = self.gate.find_fault(found) if found else None
        verification = await self.passwords.verify(found, password, kind=ThrottleKind.SIGN_IN, identifier=identifier)
        try:
            user = await self._admit(found, verification, epoch, fault)
            await self.gate.hold_client(request.client)
        except UnfitAccountError as refusal:
            self._record_refusal(found, request, refusal.reason)
            raise InvalidGrantError from refusal
        if verification.replacement and user.hashed_password == verified_hash:
            user.hashed_password = verification.replacement
        return user

    async def _admit(
        self, found: User | None, verification: Verification, epoch: int, fault: UnfitAccountError | None
    ) -> User:
        """Refuse an account that was unfit before without another look: that would take longer, and tell."""
        if found is None:
            raise UnfitAccountError("unknown_account")
        if not verification.matches:
            raise UnfitAccountError("wrong_password")
        if fault is not None:
            raise fault
        return await self.gate.admit_and_lock(found.id, credential_epoch=epoch)

    def _record_refusal(self, user: User | None, request: TokenRequest, reason: str) -> None:
        self.audit.record_refusal(
            AuditEvent.SIGN_IN,
            actor=None,
            subject=user.id if user else None,
            reason=reason,
            client_id=request.client.id,
        )


def _is_too_long(password: str) -> bool:
    try:
        return len(composed_password(password)) > MAX_PASSWORD_LENGTH
    except ValueError:
        return True
