"""Refresh tokens: `<locator>.<secret>`, what is stored of one, and how its successor follows from it."""

import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self

from auth_service.security import base64url
from auth_service.security.secrets import derive_key

_LOCATOR_BYTES = 16
_SECRET_BYTES = 32
_KEY_ID_LENGTH = 16
_SHAPE = re.compile(r"([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """The locator (128 bits) finds the session and is no secret; the secret (256 bits) is stored as a digest only."""

    locator: str
    secret: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        """Return the first refresh token of a session."""
        return cls(base64url.encode(secrets.token_bytes(_LOCATOR_BYTES)), secrets.token_bytes(_SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the token that `text` is the one spelling of, or None."""
        matched = _SHAPE.fullmatch(text)
        if matched is None:
            return None
        try:
            return cls(matched[1], base64url.decode(matched[2]))
        except ValueError:
            return None

    def encode(self) -> str:
        """Return the text that a client keeps."""
        return f"{self.locator}.{base64url.encode(self.secret)}"

    @property
    def digest(self) -> bytes:
        """What is stored: 256 random bits need no slow hash."""
        return sha256(self.secret).digest()

    def successor(self, key: bytes, salt: bytes) -> Self:
        """Return the next token. Whoever knows key and salt gets the same one again, so no plain token is stored."""
        return type(self)(self.locator, hmac.digest(key, salt + self.secret, sha256))


def derivation_keys(master_keys: Sequence[bytes]) -> Mapping[str, bytes]:
    """Return what successors are derived with, by id: the first one for new successors, all to repeat one."""
    keys = [derive_key(master_key, purpose="refresh-token-successors") for master_key in master_keys]
    return {sha256(key).hexdigest()[:_KEY_ID_LENGTH]: key for key in keys}
