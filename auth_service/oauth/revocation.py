"""Token revocation (RFC 7009): whoever holds a token ends the session that it belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass

from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.oauth.client_auth import ClientAuthenticator
from auth_service.oauth.errors import InvalidGrantError, InvalidRequestError
from auth_service.oauth.token_reader import TokenReader
from auth_service.tokens.sessions import Sessions


@dataclass(frozen=True, slots=True)
class TokenRevocation:
    """All tokens of a session end with it, whichever of them was shown, also a refresh token that was used before."""

    client_authenticator: ClientAuthenticator
    tokens: TokenReader
    sessions: Sessions
    audit: AuditTrail

    async def revoke(self, parameters: Mapping[str, str], authorization: str | None) -> None:
        """End the session of `token`; a token that is not good is gone already (section 2.2).

        Raises InvalidRequestError, InvalidClientError, and InvalidGrantError for a token of another client.
        """
        client = await self.client_authenticator.authenticate(parameters, authorization)
        if "token" not in parameters:
            raise InvalidRequestError
        session = await self.tokens.session_of(parameters["token"])
        if session is None:
            return
        if session.client_id != client.id:
            raise InvalidGrantError
        user_id, session_id = session.user_id, session.id
        if await self.sessions.end(session_id, of=user_id):
            self.audit.record(
                AuditEvent.SESSION_ENDED, actor=None, subject=user_id, session=str(session_id), client_id=client.id
            )
