"""The refusals of the token endpoint, named as RFC 6749 section 5.2 names them."""

from auth_service.errors import ServiceError


class OAuthError(ServiceError):
    """`code` is the `error` member of the answer; nothing in it differs between two refusals of a kind."""


class InvalidRequestError(OAuthError):
    """A parameter is missing, repeated or malformed."""

    code = "invalid_request"
    detail = "The request lacks a parameter, repeats one, or is not a form."


class InvalidClientError(OAuthError):
    """The client is unknown or did not prove who it is."""

    code = "invalid_client"
    detail = "Client authentication failed."


class InvalidGrantError(OAuthError):
    """The credentials are wrong, or the account may not have tokens: the answer never says which."""

    code = "invalid_grant"
    detail = "The credentials are not valid."


class UnauthorizedClientError(OAuthError):
    """The client is known, and may not use this grant type."""

    code = "unauthorized_client"
    detail = "This client may not use this grant type."


class UnsupportedGrantTypeError(OAuthError):
    """This service does not have, or does not allow, this grant type."""

    code = "unsupported_grant_type"
    detail = "This grant type is not supported here."


class InvalidScopeError(OAuthError):
    """A scope is unknown, or is more than the user or the client may have."""

    code = "invalid_scope"
    detail = "At least one of the scopes does not exist or cannot be granted to you."


class InvalidTargetError(OAuthError):
    """The `resource` is not an audience that tokens are made out to (RFC 8707 section 2)."""

    code = "invalid_target"
    detail = "Tokens are not issued for this resource."
