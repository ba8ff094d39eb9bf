"""The refusals of the token endpoint, named as RFC 6749 section 5.2 names them."""

from collections.abc import Mapping
from datetime import timedelta

from auth_service.errors import ServiceError


class OAuthError(ServiceError):
    """`code` is the `error` member of the answer; nothing in it differs between two refusals of a kind.

    `members` are what a kind of answer has beyond `error` and `error_description`.
    """

    @property
    def members(self) -> Mapping[str, object]:
        """Most have none."""
        return {}


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


class MfaRequiredError(OAuthError):
    """The password is right, and not enough: go on with the second factor. RFC 6749 section 8.5 lets us name it so."""

    code = "mfa_required"
    detail = "This account has a second factor: send its code with the mfa_token."

    def __init__(self, mfa_token: str, *, lifetime: timedelta) -> None:
        """Hand over what stands for the sign-in until then."""
        self._members = {"mfa_token": mfa_token, "expires_in": int(lifetime.total_seconds())}
        super().__init__()

    @property
    def members(self) -> Mapping[str, object]:
        """The token, and the seconds for which it is good."""
        return self._members
