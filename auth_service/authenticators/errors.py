"""What the authenticators refuse with."""

from uuid import UUID

from auth_service.errors import InvalidInputError, PermissionDeniedError, UnavailableError


class WeakPasswordError(InvalidInputError):
    """The policy does not take this as a new password; the sentence says why."""

    code = "weak_password"
    detail = "This password is too weak."


class InvalidOneTimeTokenError(PermissionDeniedError):
    """A one-time token that is good for nothing here, whatever the reason."""

    code = "invalid_one_time_token"
    detail = "This link or code is not valid, has expired or was used already. Nothing was changed; ask for a new one."


class UnusableSeedError(UnavailableError):
    """A stored seed of an authenticator app that no configured master key opens: codes cannot be checked."""

    code = "second_factor_unusable"
    detail = "Codes of authenticator apps cannot be checked right now. Recovery codes can."

    def __init__(self, user_id: UUID) -> None:
        """Keep for the operator whose it is."""
        self.user_id = user_id
        super().__init__()
