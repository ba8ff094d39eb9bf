"""What this authorization server says about itself (RFC 8414)."""

import json

from auth_service.authz.scopes import Scope
from auth_service.oauth.settings import OAuthSettings
from auth_service.tokens.access_token import AuthenticationContext

_CONFIDENTIAL = ["client_secret_basic", "client_secret_post"]


def authorization_server_metadata(issuer: str, settings: OAuthSettings) -> bytes:
    """Return the metadata document: exactly what works, with addresses under `issuer` and never under a Host header.

    `response_types_supported` is required by RFC 8414 section 2 and empty, because there is no authorization endpoint.
    `acr_values_supported` is what RFC 9470 section 7 takes over for `acr`; `revocation_feed_uri` is our own.
    """
    return json.dumps(
        {
            "issuer": issuer,
            "token_endpoint": f"{issuer}/oauth/token",
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "introspection_endpoint": f"{issuer}/oauth/introspect",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "revocation_feed_uri": f"{issuer}/oauth/revocations",
            "grant_types_supported": list(settings.grant_types),
            "response_types_supported": [],
            "acr_values_supported": sorted(AuthenticationContext),
            "scopes_supported": sorted(Scope),
            "token_endpoint_auth_methods_supported": ["none", *_CONFIDENTIAL],
            "revocation_endpoint_auth_methods_supported": ["none", *_CONFIDENTIAL],
            "introspection_endpoint_auth_methods_supported": _CONFIDENTIAL,
        }
    ).encode()
