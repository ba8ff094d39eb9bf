"""The grant that finishes a sign-in which the password grant has begun: a code of an app, or a recovery code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.second_factors import SecondFactors
from auth_service.authenticators.throttle import Throttle, Whose
from auth_service.authenticators.throttle_settings import ThrottleKind
from auth_service.authz.scopes import Scope, grantable_scopes
from auth_service.oauth.challenges import Pending, SignInChallenges
from auth_service.oauth.errors import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    InvalidTargetError,
    OAuthError,
)
from auth_service.oauth.grants.messages import TokenRequest, TokenResponse
from auth_service.oauth.sign_in import SignIn
from auth_service.tokens.access_token import MULTIPLE_FACTORS
from auth_service.tokens.account_gate import AccountGate
from auth_service.tokens.errors import UnfitAccountError
from auth_service.users.models import User

log = structlog.get_logger()

_OTP = "otp"


@dataclass(frozen=True, slots=True)
class SecondFactorGrant:
    """What the password was right for is given when the code is right too, and nothing else is.

    A challenge that nothing is known of is a line in the log; every refusal to a known one is audited.
    """

    challenges: SignInChallenges
    factors: SecondFactors
    gate: AccountGate
    sign_in: SignIn
    throttle: Throttle
    audit: AuditTrail
    tell_of_recovery_code: Callable[[User], None]

    async def issue(self, request: TokenRequest) -> TokenResponse:
        """Return tokens for `mfa_token` and either `otp` or `recovery_code`.

        Raises InvalidRequestError, InvalidGrantError, InvalidScopeError, InvalidTargetError, TooManyAttemptsError,
        UnusableSeedError.
        """
        parameters = request.parameters
        if "mfa_token" not in parameters or ("otp" in parameters) == ("recovery_code" in parameters):
            raise InvalidRequestError
        kind = ThrottleKind.SECOND_FACTOR if "otp" in parameters else ThrottleKind.RECOVERY_CODE
        pending = await self._count_try(parameters["mfa_token"], request, kind)
        try:
            user = await self.gate.admit_and_lock(pending.user_id, credential_epoch=pending.credential_epoch)
            await self.gate.hold_client(request.client)
            scopes = _granted_scopes(pending, user, request)
            _assert_audiences(pending, request)
            method = await self._use(user, parameters)
        except UnfitAccountError as refusal:
            self._record_refusal(pending, refusal.reason)
            raise InvalidGrantError from refusal
        except OAuthError as refusal:
            self._record_refusal(pending, refusal.code)
            raise
        amr = (*pending.amr, *method, MULTIPLE_FACTORS)
        tokens = await self.sign_in.complete(user, request.client, scopes=scopes, audiences=pending.audiences, amr=amr)
        await self.throttle.succeeded(kind, **self._whose(pending))
        return tokens

    async def _count_try(self, token: str, request: TokenRequest, kind: ThrottleKind) -> Pending:
        """Return what waits, once this try is counted, of the challenge and of the account, and that is committed."""
        pending = await self.challenges.count_try(token, client_id=request.client.id)
        if pending is None:
            log.info("challenge.refused", reason="unknown_or_over", client_id=request.client.id)
            raise InvalidGrantError
        await self.throttle.admit(kind, **self._whose(pending))
        return pending

    def _whose(self, pending: Pending) -> Whose:
        return {"identifier": str(pending.user_id), "network": self.sign_in.origin.network}

    async def _use(self, user: User, parameters: Mapping[str, str]) -> Sequence[str]:
        """Use up the code and the challenge, both or neither; return what `amr` says of it. Raises UnfitAccountError.

        RFC 8176 knows one-time passwords, and has no word for a recovery code.
        """
        method: Sequence[str] = ()
        if "otp" in parameters:
            method = (_OTP,)
            if not await self.factors.use_otp(user.id, parameters["otp"]):
                raise UnfitAccountError("wrong_otp")
        elif await self.factors.use_recovery_code(user.id, parameters["recovery_code"]):
            self.audit.record(AuditEvent.RECOVERY_CODE_USED, actor=None, subject=user.id)
            self.tell_of_recovery_code(user)
        else:
            raise UnfitAccountError("wrong_recovery_code")
        if not await self.challenges.use(parameters["mfa_token"]):
            raise UnfitAccountError("challenge_used")
        return method

    def _record_refusal(self, pending: Pending, reason: str) -> None:
        self.audit.record_refusal(
            AuditEvent.SIGN_IN, actor=None, subject=pending.user_id, reason=reason, client_id=pending.client_id
        )


def _granted_scopes(pending: Pending, user: User, request: TokenRequest) -> frozenset[Scope]:
    """Return the scopes that were granted with the password, if they may still be had and no others are asked for.

    Raises InvalidScopeError.
    """
    scopes = frozenset(scope for scope in Scope if scope in pending.scopes)
    grantable = grantable_scopes(is_superuser=user.is_superuser) & request.client.grantable_scopes
    if not scopes <= grantable or request.scopes not in {None, scopes}:
        raise InvalidScopeError
    return scopes


def _assert_audiences(pending: Pending, request: TokenRequest) -> None:
    """Raise InvalidTargetError unless the tokens may still be for those whom they were asked for, and for them alone.

    Without a `resource` the request stands for all that the client may ask for now.
    """
    allowed = set(pending.audiences) <= set(request.audiences)
    if not allowed or ("resource" in request.parameters and set(request.audiences) != set(pending.audiences)):
        raise InvalidTargetError
