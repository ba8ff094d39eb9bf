"""What the tokens room refuses with."""

from auth_service.errors import UnauthenticatedError


class InvalidTokenError(UnauthenticatedError):
    """A token that this service does not accept, whatever the reason: which one it is goes to the log, never out."""

    code = "invalid_token"
    detail = "The access token is invalid, expired or no longer accepted. Sign in again."

    def __init__(self, reason: str) -> None:
        """Keep the reason for the log."""
        self.reason = reason
        super().__init__()


class UnfitAccountError(InvalidTokenError):
    """The account behind a token or a sign-in may not have tokens now."""


class UnusableSigningKeyError(Exception):
    """A stored signing key that no configured master key opens."""
