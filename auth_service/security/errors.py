"""What the security room can fail with."""

from auth_service.errors import UnavailableError


class HashingOverloadedError(UnavailableError):
    """More passwords wait to be checked than this process may hold."""

    code = "too_busy"
    detail = "The service is too busy to check passwords right now. Try again in a moment."


class UndecryptableError(Exception):
    """A ciphertext that no configured master key opens. Not a refusal: what it means is for the caller to say."""
