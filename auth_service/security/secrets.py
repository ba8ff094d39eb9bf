"""Secrets at rest: authenticated encryption under the master keys, each purpose with a key of its own."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from auth_service.security.errors import UndecryptableError
from auth_service.security.settings import MASTER_KEY_BYTES, SecuritySettings, parse_master_key

_NONCE_BYTES = 12


class SecretBox:
    """Encrypts for one purpose: the first master key seals, every one of them opens (AES-256-GCM)."""

    def __init__(self, master_keys: Sequence[bytes], *, purpose: str) -> None:
        """Take this purpose's key from each master key."""
        self._ciphers = [AESGCM(derive_key(key, purpose=purpose)) for key in master_keys]

    def seal(self, plaintext: bytes, *, context: bytes) -> bytes:
        """Return nonce and ciphertext; only the same `context` will open it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, plaintext, context)

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """Return what was sealed in the same `context`. Raises UndecryptableError."""
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, ciphertext, context)
            except (InvalidTag, ValueError):
                continue
        raise UndecryptableError

    def is_current(self, sealed: bytes, *, context: bytes) -> bool:
        """Say whether the first master key sealed it, so that it opens when only that one is left."""
        try:
            self._ciphers[0].decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """How many of a batch were encrypted anew, how many no key opens, and where to go on, if there are more."""

    changed: int
    total: int
    last: UUID | None
    unopened: int = 0


def master_keys_of(settings: SecuritySettings) -> list[bytes]:
    """Return the configured master keys, the sealing one first."""
    return [parse_master_key(key.get_secret_value()) for key in settings.master_keys]


def derive_key(master_key: bytes, *, purpose: str) -> bytes:
    """Return the key that `master_key` gives for one purpose, by HKDF-SHA256 (RFC 5869)."""
    hkdf = HKDF(algorithm=SHA256(), length=MASTER_KEY_BYTES, salt=None, info=f"auth-service/{purpose}".encode())
    return hkdf.derive(master_key)
