"""What the tokens room refuses with."""

from uuid import UUID

from auth_service.errors import UnauthenticatedError


class InvalidTokenError(UnauthenticatedError):
    """A token that this service does not accept, whatever the reason: which one it is goes to the log, never out."""

    code = "invalid_token"
    detail = "The access token is invalid, expired or no longer accepted. Sign in again."

    def __init__(self, reason: str, *, subject: UUID | None = None) -> None:
        """Keep for the record why, and whose account it is where that is known."""
        self.reason = reason
        self.subject = subject
        super().__init__()


class UnfitAccountError(InvalidTokenError):
    """The account behind a token or a sign-in may not have tokens now."""


class RefusedRefreshError(InvalidTokenError):
    """A refresh token that gives nothing now; its session goes on."""


class ReusedRefreshTokenError(InvalidTokenError):
    """A refresh token that was replaced long ago, or never was one of its session: somebody else has it too."""


class UnusableSigningKeyError(Exception):
    """A stored signing key that no configured master key opens."""
