"""Makes the answer of a grant: an access token of a session and, where there is one, its refresh token."""

from dataclasses import dataclass
from datetime import datetime

from auth_service.authz.scopes import Scope, format_scopes
from auth_service.oauth.grants.messages import TokenResponse
from auth_service.tokens.access_token import AccessToken, issue_access_token
from auth_service.tokens.key_ring import KeyRing
from auth_service.tokens.models import SessionRecord
from auth_service.tokens.refresh_token import RefreshToken
from auth_service.tokens.sessions import access_token_lifetime
from auth_service.tokens.settings import TokenSettings


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """Signs with the active key of `keys`, at `now`."""

    keys: KeyRing
    settings: TokenSettings
    now: datetime

    def issue(
        self,
        session: SessionRecord,
        *,
        scopes: frozenset[Scope],
        audiences: tuple[str, ...],
        refresh_token: RefreshToken | None,
    ) -> TokenResponse:
        """Return tokens of `session` for these scopes and audiences, which the caller has checked."""
        lifetime = access_token_lifetime(session, self.settings, now=self.now)
        token = AccessToken(
            subject=session.user_id,
            client_id=session.client_id,
            session_id=session.id,
            scopes=scopes,
            audiences=audiences,
            authenticated_at=session.created_at if session.user_id else None,
            amr=tuple(session.amr),
            roles=("admin",) if Scope.ADMIN in scopes and session.user_id else (),
        )
        return TokenResponse(
            access_token=issue_access_token(token, self.keys, self.settings, now=self.now, lifetime=lifetime),
            expires_in=int(lifetime.total_seconds()),
            scope=format_scopes(scopes),
            refresh_token=refresh_token.encode() if refresh_token else None,
        )
