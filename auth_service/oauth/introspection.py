"""Token introspection (RFC 7662): a confidential client asks whether a token is good now."""

from collections.abc import Mapping
from dataclasses import dataclass

from auth_service.clients.models import Client
from auth_service.oauth.client_auth import ClientAuthenticator
from auth_service.oauth.errors import InvalidClientError, InvalidRequestError
from auth_service.oauth.token_reader import TokenReader
from auth_service.tokens import jws
from auth_service.tokens.errors import InvalidTokenError
from auth_service.tokens.refresh_token import RefreshToken

INACTIVE: Mapping[str, object] = {"active": False}


@dataclass(frozen=True, slots=True)
class TokenIntrospection:
    """A token that was neither issued to the asking client nor is meant for it might as well not exist."""

    client_authenticator: ClientAuthenticator
    tokens: TokenReader
    issuer: str

    async def introspect(self, parameters: Mapping[str, str], authorization: str | None) -> Mapping[str, object]:
        """Return what section 2.2 answers: the facts of a token that may be used now, or `{"active": false}`.

        Raises InvalidRequestError, and InvalidClientError for a client that has no secret to prove who it is.
        """
        client = await self.client_authenticator.authenticate(parameters, authorization)
        if not client.is_confidential:
            raise InvalidClientError
        if "token" not in parameters:
            raise InvalidRequestError
        token = parameters["token"]
        refresh = RefreshToken.parse(token)
        try:
            return await (self._refresh_token(refresh, client) if refresh else self._access_token(token, client))
        except InvalidTokenError:
            return INACTIVE

    async def _access_token(self, token: str, client: Client) -> Mapping[str, object]:
        claims = await self.tokens.good_access_token(token)
        if claims["client_id"] != client.id and client.own_audience not in claims["aud"]:
            return INACTIVE
        return {"active": True, "token_type": "Bearer", **claims}

    async def _refresh_token(self, token: RefreshToken, client: Client) -> Mapping[str, object]:
        facts = await self.tokens.good_refresh_token(token)
        session = facts.session
        if session.client_id != client.id:
            return INACTIVE
        # No `token_type`: that is how to use an access token, and who is asked for one takes nothing else.
        claims: jws.Claims = {
            "token_use": "refresh_token",
            "iss": self.issuer,
            "sub": str(session.user_id),
            "client_id": session.client_id,
            "scope": " ".join(scope for scope in session.scopes if scope in client.scopes),
            "sid": str(session.id),
            "iat": int(session.last_used_at.timestamp()),
            "exp": int(session.idle_expires_at.timestamp()),
        }
        return {"active": True, **claims}
