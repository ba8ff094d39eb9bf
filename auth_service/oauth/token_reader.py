"""Reads a token of either kind that was shown to the revocation or to the introspection endpoint."""

import hmac
from dataclasses import dataclass

from auth_service.tokens import jws
from auth_service.tokens.access_token import access_token_of, read_access_token
from auth_service.tokens.account_gate import AccountGate
from auth_service.tokens.errors import InvalidTokenError
from auth_service.tokens.key_ring import KeyRing
from auth_service.tokens.models import SessionRecord
from auth_service.tokens.refresh_token import RefreshToken
from auth_service.tokens.session_repository import SessionFacts, SessionRepository
from auth_service.tokens.settings import TokenSettings


@dataclass(frozen=True, slots=True)
class TokenReader:
    """Tells the kinds apart by their shape; what a caller says about the kind is a hint (RFC 7009 section 2.1)."""

    gate: AccountGate
    session_repository: SessionRepository
    keys: KeyRing
    settings: TokenSettings

    async def session_of(self, token: str) -> SessionRecord | None:
        """Return the session of a token, whether it is still live or not, or None when there is none."""
        refresh = RefreshToken.parse(token)
        try:
            facts = (
                await self.session_repository.find_by_locator(refresh.locator)
                if refresh
                else await self.session_repository.find(access_token_of(self._claims_of(token)).session_id)
            )
        except InvalidTokenError:
            return None
        return facts.session if facts else None

    async def good_access_token(self, token: str) -> jws.Claims:
        """Return the claims of an access token for any audience that may be used now; raises InvalidTokenError."""
        claims = self._claims_of(token)
        await self.gate.admit(access_token_of(claims))
        return claims

    async def good_refresh_token(self, token: RefreshToken) -> SessionFacts:
        """Return the session of a refresh token that may be used now; raises InvalidTokenError."""
        facts = await self.gate.admit_refresh(token.locator)
        if not hmac.compare_digest(facts.session.current_digest or b"", token.digest):
            raise InvalidTokenError("not_the_current_one", subject=facts.session.user_id)
        return facts

    def _claims_of(self, token: str) -> jws.Claims:
        return read_access_token(token, self.keys, self.settings, audience=None)
