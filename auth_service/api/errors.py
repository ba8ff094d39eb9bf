"""What only the HTTP edge refuses with: how a bearer token was brought (RFC 6750)."""

from auth_service.errors import InvalidInputError, PermissionDeniedError, UnauthenticatedError


class MissingCredentialError(UnauthenticatedError):
    """No access token came along; the challenge then has no `error` (RFC 6750 section 3)."""

    code = "not_authenticated"
    detail = "Sign in first: send an access token as 'Authorization: Bearer ...'."


class AmbiguousCredentialError(InvalidInputError):
    """A token came in two ways, or twice (RFC 6750 section 2)."""

    code = "invalid_request"
    detail = "Send one access token, in the Authorization header and nowhere else."


class UserTokenRequiredError(PermissionDeniedError):
    """A client came with a token that it got for itself, to where only people may go."""

    code = "user_token_required"
    detail = "This is for people: a token that a client got for itself cannot be used here."
