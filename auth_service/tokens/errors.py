"""What the tokens room refuses with."""

from datetime import datetime
from uuid import UUID

from auth_service.errors import ConflictError, NotFoundError, UnauthenticatedError, UnavailableError


class InvalidTokenError(UnauthenticatedError):
    """A token that this service does not accept, whatever the reason: which one it is goes to the log, never out."""

    code = "invalid_token"
    detail = "The access token is invalid, expired or no longer accepted. Sign in again."

    def __init__(self, reason: str, *, subject: UUID | None = None, is_expired: bool = False) -> None:
        """Keep for the record why, and whose account it is where that is known."""
        self.reason = reason
        self.is_expired = is_expired
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


class UnusableKeysError(UnavailableError):
    """This process cannot sign the way the others do: it could not read, or could not open, the key in use."""

    code = "signing_keys_unusable"
    detail = "The service cannot use its signing key right now; try again in a moment."


class SigningKeyNotFoundError(NotFoundError):
    """There is no such signing key."""

    code = "signing_key_not_found"
    detail = "There is no such signing key. 'auth-service keys list' shows those that there are."


class YoungKeyError(ConflictError):
    """The next key would sign before every verifier knows it."""

    code = "signing_key_too_young"

    def __init__(self, usable_at: datetime) -> None:
        """Say when it will be old enough."""
        super().__init__(
            f"The next key is too young: verifiers that refetch the keys only by time may not know it before "
            f"{usable_at:%Y-%m-%d %H:%M:%S} UTC, and would refuse what it signs. Wait until then; with --emergency it "
            "is used at once."
        )


class ActiveKeyError(ConflictError):
    """The key to be revoked is the one that signs."""

    code = "signing_key_active"
    detail = (
        "This key signs now. When it is compromised, add --emergency: the next key takes over at once, and verifiers "
        "that do not know that one yet refuse new tokens until they refetch the keys. Otherwise run 'auth-service keys "
        "rotate'."
    )


class UnusableNextKeyError(ConflictError):
    """The key that would take over cannot be opened: it is not replaced unless the operator says so."""

    code = "signing_key_next_unusable"

    def __init__(self, kid: str) -> None:
        """Say which one it is, and the order in which both can go."""
        super().__init__(
            f"The next key, {kid}, cannot be opened with the configured master keys, so it cannot take over. Put its "
            "master key back; if that is lost, revoke the next key first ('auth-service keys revoke "
            f"{kid}', which makes a new one) and then this one."
        )
