"""The client credentials grant (RFC 6749 section 4.4): a service gets a token for itself."""

from dataclasses import dataclass

from auth_service.audit.events import AuditEvent, Origin
from auth_service.audit.trail import AuditTrail
from auth_service.authz.principal import Principal
from auth_service.oauth.errors import InvalidClientError
from auth_service.oauth.grants.messages import TokenRequest, TokenResponse
from auth_service.oauth.token_issuer import TokenIssuer
from auth_service.tokens.account_gate import AccountGate
from auth_service.tokens.errors import UnfitAccountError
from auth_service.tokens.sessions import Opening, Sessions


@dataclass(frozen=True, slots=True)
class ClientCredentialsGrant:
    """The client has proven who it is, or the token endpoint would not have come here.

    The token has a session, so that it can be ended, and no refresh token: the secret is as good (section 4.4.3).
    """

    gate: AccountGate
    sessions: Sessions
    audit: AuditTrail
    issuer: TokenIssuer
    origin: Origin

    async def issue(self, request: TokenRequest) -> TokenResponse:
        """Return a token whose subject is the client.

        Raises InvalidClientError when the client was disabled or changed meanwhile.
        """
        client = request.client
        try:
            await self.gate.hold_client(client)
        except UnfitAccountError as refusal:
            raise InvalidClientError from refusal
        scopes = client.grantable_scopes if request.scopes is None else request.scopes
        session, _ = await self.sessions.open(
            Opening(
                user=None,
                client_id=client.id,
                scopes=tuple(scopes),
                audiences=request.audiences,
                amr=(),
                network=self.origin.network,
                user_agent=self.origin.user_agent,
                refreshable=False,
            )
        )
        principal = Principal(subject=None, is_superuser=False, scopes=scopes, client_id=client.id)
        self.audit.record(AuditEvent.CLIENT_SIGN_IN, actor=principal)
        return self.issuer.issue(session, scopes=scopes, audiences=request.audiences, refresh_token=None)
