"""Signing keys in and out of their ciphertext."""

from datetime import datetime
from enum import StrEnum

from auth_service.security.errors import UndecryptableError
from auth_service.security.secrets import SecretBox
from auth_service.tokens.errors import UnusableSigningKeyError
from auth_service.tokens.jws import SigningKey, generate_private_key, load_signing_key
from auth_service.tokens.models import KeyState, SigningKeyRecord
from auth_service.tokens.settings import SigningAlgorithm

KEY_PURPOSE = "signing-keys"


class Wrapping(StrEnum):
    """Which of the configured master keys opens a stored key."""

    FIRST = "first"
    OLDER = "older"
    NONE = "none"


class KeySafe:
    """Seals private parts under the first master key, and opens them with any."""

    def __init__(self, box: SecretBox) -> None:
        """Use a box of the purpose KEY_PURPOSE."""
        self._box = box

    def make(self, algorithm: SigningAlgorithm, state: KeyState, *, now: datetime) -> SigningKeyRecord:
        """Return a new key as it is stored."""
        der = generate_private_key(algorithm)
        kid = load_signing_key(der, algorithm).kid
        return SigningKeyRecord(
            kid=kid,
            algorithm=algorithm,
            state=state,
            encrypted_private_key=self._box.seal(der, context=_context(kid, algorithm)),
            created_at=now,
            activated_at=now if state is KeyState.ACTIVE else None,
        )

    def open(self, record: SigningKeyRecord) -> SigningKey:
        """Return a stored key. Raises UnusableSigningKeyError."""
        return load_signing_key(self._decrypt(record), SigningAlgorithm(record.algorithm))

    def rewrap(self, record: SigningKeyRecord) -> bool:
        """Seal a stored key under the first master key; say whether that was needed. Raises UnusableSigningKeyError."""
        if self.wrapping_of(record) is Wrapping.FIRST:
            return False
        context = _context(record.kid, record.algorithm)
        record.encrypted_private_key = self._box.seal(self._decrypt(record), context=context)
        return True

    def wrapping_of(self, record: SigningKeyRecord) -> Wrapping:
        """Say which master key opens a stored key."""
        if self._box.is_current(record.encrypted_private_key, context=_context(record.kid, record.algorithm)):
            return Wrapping.FIRST
        try:
            self._decrypt(record)
        except UnusableSigningKeyError:
            return Wrapping.NONE
        return Wrapping.OLDER

    def _decrypt(self, record: SigningKeyRecord) -> bytes:
        try:
            return self._box.open(record.encrypted_private_key, context=_context(record.kid, record.algorithm))
        except UndecryptableError:
            message = f"signing key {record.kid} cannot be opened with the configured master keys"
            raise UnusableSigningKeyError(message) from None


def _context(kid: str, algorithm: str) -> bytes:
    """Bind the ciphertext to its row, so that one key's private part cannot be passed off as another's."""
    return f"{kid}/{algorithm}/{KEY_PURPOSE}".encode()
