"""The refresh token grant (RFC 6749 section 6): the same session goes on, never with more than it was opened with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog

from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authz.scopes import Scope, grantable_scopes
from auth_service.db.session import Session
from auth_service.oauth.errors import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    InvalidTargetError,
    OAuthError,
)
from auth_service.oauth.grants.messages import TokenRequest, TokenResponse
from auth_service.oauth.token_issuer import TokenIssuer
from auth_service.tokens.account_gate import AccountGate
from auth_service.tokens.errors import InvalidTokenError, RefusedRefreshError, ReusedRefreshTokenError
from auth_service.tokens.refresh_rotation import RefreshRotation
from auth_service.tokens.refresh_token import RefreshToken
from auth_service.tokens.session_repository import SessionFacts
from auth_service.tokens.sessions import Sessions

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RefreshTokenGrant:
    """A token that nothing is known of is a line in the log; every refusal of a known session is audited."""

    session: Session
    gate: AccountGate
    rotation: RefreshRotation
    sessions: Sessions
    audit: AuditTrail
    issuer: TokenIssuer

    async def issue(self, request: TokenRequest) -> TokenResponse:
        """Return new tokens for `refresh_token`, narrowed to `scope` and `resource` if these are given.

        Raises InvalidRequestError, InvalidGrantError, InvalidScopeError, InvalidTargetError.
        """
        text = request.parameters.get("refresh_token")
        if text is None:
            raise InvalidRequestError
        presented = RefreshToken.parse(text)
        if presented is None:
            log.info("refresh_token.refused", reason="malformed")
            raise InvalidGrantError
        facts = await self._admit(request, presented)
        async with self._ending_what_was_stolen(request, facts):
            self.rotation.assert_usable(facts, presented)
            scopes, audiences = _narrowed_scopes(facts, request), _narrowed_audiences(facts, request)
            rotated = await self.rotation.exchange(facts, presented)
        if rotated.replayed:
            self._record(AuditEvent.REFRESH_REPLAYED, facts)
        return self.issuer.issue(facts.session, scopes=scopes, audiences=audiences, refresh_token=rotated.token)

    async def _admit(self, request: TokenRequest, presented: RefreshToken) -> SessionFacts:
        try:
            facts = await self.gate.admit_refresh(presented.locator)
        except InvalidTokenError as refusal:
            raise self._refuse(request, refusal) from refusal
        if facts.session.client_id != request.client.id:
            raise self._refuse(request, RefusedRefreshError("another_client", subject=facts.session.user_id))
        return facts

    @asynccontextmanager
    async def _ending_what_was_stolen(self, request: TokenRequest, facts: SessionFacts) -> AsyncIterator[None]:
        """Refuse what the block refuses, and end the session when it is for a token that was used before."""
        try:
            yield
        except ReusedRefreshTokenError as refusal:
            await self.sessions.end(facts.session.id, of=facts.session.user_id)
            self._record(AuditEvent.REFRESH_REUSED, facts, reason=refusal.reason)
            await self.session.commit()  # now: the refusal that follows rolls back what is not
            log.warning("refresh_token.reused", session=str(facts.session.id), reason=refusal.reason)
            raise InvalidGrantError from refusal
        except InvalidTokenError as refusal:
            raise self._refuse(request, refusal) from refusal
        except OAuthError as refusal:
            self._record_refusal(request, facts.session.user_id, refusal.code)
            raise

    def _refuse(self, request: TokenRequest, refusal: InvalidTokenError) -> InvalidGrantError:
        log.info("refresh_token.refused", reason=refusal.reason)
        if refusal.subject is not None:
            self._record_refusal(request, refusal.subject, refusal.reason)
        return InvalidGrantError()

    def _record_refusal(self, request: TokenRequest, subject: UUID | None, reason: str) -> None:
        self.audit.record_refusal(
            AuditEvent.REFRESH, actor=None, subject=subject, reason=reason, client_id=request.client.id
        )

    def _record(self, event: AuditEvent, facts: SessionFacts, **detail: object) -> None:
        session = facts.session
        self.audit.record(
            event, actor=None, subject=session.user_id, session=str(session.id), client_id=session.client_id, **detail
        )


def _narrowed_scopes(facts: SessionFacts, request: TokenRequest) -> frozenset[Scope]:
    """Return the scopes that are asked for, all that there are by default; raises InvalidScopeError for more."""
    grantable = grantable_scopes(is_superuser=facts.user is not None and facts.user.is_superuser)
    allowed = grantable & facts.client.grantable_scopes
    available = frozenset(scope for scope in allowed if scope in facts.session.scopes)
    scopes = available if request.scopes is None else request.scopes
    if not scopes <= available:
        raise InvalidScopeError
    return scopes


def _narrowed_audiences(facts: SessionFacts, request: TokenRequest) -> tuple[str, ...]:
    """Return the audiences that are asked for and that the session was opened for; raises InvalidTargetError."""
    audiences = tuple(audience for audience in facts.session.audiences if audience in request.audiences)
    if not audiences:
        raise InvalidTargetError
    return audiences
