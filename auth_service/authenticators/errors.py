"""What the authenticators refuse with."""

from auth_service.errors import InvalidInputError, PermissionDeniedError


class WeakPasswordError(InvalidInputError):
    """The policy does not take this as a new password; the sentence says why."""

    code = "weak_password"
    detail = "This password is too weak."


class InvalidOneTimeTokenError(PermissionDeniedError):
    """A one-time token that is good for nothing here, whatever the reason."""

    code = "invalid_one_time_token"
    detail = "This link or code is not valid, has expired or was used already. Nothing was changed; ask for a new one."
