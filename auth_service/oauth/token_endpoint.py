"""The token endpoint (RFC 6749 section 3.2): a request is checked, its grant is picked, tokens come back."""

from collections.abc import Mapping
from dataclasses import dataclass

from auth_service.authz.errors import UnknownScopeError
from auth_service.authz.scopes import Scope, parse_scopes
from auth_service.clients.fields import SECOND_FACTOR_GRANT_TYPE, ClientGrant
from auth_service.clients.models import Client
from auth_service.oauth.client_auth import ClientAuthenticator
from auth_service.oauth.errors import (
    InvalidRequestError,
    InvalidScopeError,
    InvalidTargetError,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)
from auth_service.oauth.grants.messages import Grant, TokenRequest, TokenResponse
from auth_service.tokens.settings import TokenSettings

_NEEDED: Mapping[str, str] = {SECOND_FACTOR_GRANT_TYPE: ClientGrant.PASSWORD}
"""The grant that a client has to be allowed for a grant type, where it is not of the same name."""


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """`grants` has what this deployment allows, by grant type; each one is a file in `grants/`."""

    grants: Mapping[str, Grant]
    client_authenticator: ClientAuthenticator
    settings: TokenSettings

    async def issue(self, parameters: Mapping[str, str], authorization: str | None) -> TokenResponse:
        """Answer a token request; `parameters` are the form's fields that have a value.

        Raises a subclass of OAuthError, or HashingOverloadedError.
        """
        client = await self.client_authenticator.authenticate(parameters, authorization)
        grant = self._grant(client, parameters.get("grant_type"))
        scopes = _scopes(client, parameters.get("scope"))
        audiences = self._audiences(client, parameters.get("resource"))
        return await grant.issue(TokenRequest(client, parameters, scopes, audiences))

    def _grant(self, client: Client, grant_type: str | None) -> Grant:
        if grant_type is None:
            raise InvalidRequestError
        if grant_type not in self.grants:
            raise UnsupportedGrantTypeError
        if _NEEDED.get(grant_type, grant_type) not in client.grants:
            raise UnauthorizedClientError
        return self.grants[grant_type]

    def _audiences(self, client: Client, resource: str | None) -> tuple[str, ...]:
        """Return whom the tokens are for: what was asked for, or else all that this client may ask for (RFC 8707)."""
        audiences = tuple(client.audiences) or self.settings.audiences
        if resource is None:
            return audiences
        if resource not in audiences:
            raise InvalidTargetError
        return (resource,)


def _scopes(client: Client, scope: str | None) -> frozenset[Scope] | None:
    """Return the scopes that were asked for, or None; what the user may have is for the grant to say."""
    if scope is None:
        return None
    try:
        scopes = parse_scopes(scope)
    except UnknownScopeError as error:
        raise InvalidScopeError from error
    if not scopes <= client.grantable_scopes:
        raise InvalidScopeError
    return scopes
