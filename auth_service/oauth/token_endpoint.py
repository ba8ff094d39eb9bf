"""The token endpoint (RFC 6749 section 3.2): a request is checked, its grant is picked, tokens come back."""

from collections.abc import Mapping
from dataclasses import dataclass

from auth_service.authz.errors import UnknownScopeError
from auth_service.authz.scopes import parse_scopes
from auth_service.oauth.client_auth import authenticate_client
from auth_service.oauth.errors import (
    InvalidRequestError,
    InvalidScopeError,
    InvalidTargetError,
    UnsupportedGrantTypeError,
)
from auth_service.oauth.grants.messages import Grant, TokenRequest, TokenResponse
from auth_service.tokens.settings import TokenSettings


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """`grants` has what this deployment allows, by grant type; each one is a file in `grants/`."""

    grants: Mapping[str, Grant]
    settings: TokenSettings

    async def issue(self, parameters: Mapping[str, str], authorization: str | None) -> TokenResponse:
        """Answer a token request; `parameters` are the form's fields that have a value.

        Raises a subclass of OAuthError, or HashingOverloadedError.
        """
        client = authenticate_client(authorization, parameters.get("client_id"), parameters.get("client_secret"))
        grant_type = parameters.get("grant_type")
        if grant_type is None:
            raise InvalidRequestError
        if grant_type not in self.grants:
            raise UnsupportedGrantTypeError
        try:
            scopes = parse_scopes(parameters["scope"]) if "scope" in parameters else None
        except UnknownScopeError as error:
            raise InvalidScopeError from error
        request = TokenRequest(client, parameters, scopes, self._audiences(parameters.get("resource")))
        return await self.grants[grant_type].issue(request)

    def _audiences(self, resource: str | None) -> tuple[str, ...]:
        if resource is None:
            return self.settings.audiences
        if resource not in self.settings.audiences:
            raise InvalidTargetError
        return (resource,)
