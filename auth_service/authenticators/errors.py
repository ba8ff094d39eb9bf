"""What the authenticators refuse with."""

from auth_service.errors import InvalidInputError


class WeakPasswordError(InvalidInputError):
    """The policy does not take this as a new password; the sentence says why."""

    code = "weak_password"
    detail = "This password is too weak."
