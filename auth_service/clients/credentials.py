"""The ids and secrets of clients: how they are made, and how a secret is recognised."""

import hmac
import re
import secrets
from hashlib import sha256

from auth_service.clients.fields import CLIENT_ID_PATTERN

CLIENT_SECRET_PREFIX = "client_secret_"
"""By this, tools that look for leaked secrets recognise one."""

_CLIENT_ID = re.compile(CLIENT_ID_PATTERN)
_NOBODYS_DIGEST = bytes(32)


def new_client_id() -> str:
    """Return an id of 128 random bits: nobody chooses one, so nobody can choose somebody else's."""
    return f"client_{secrets.token_hex(16)}"


def new_client_secret() -> str:
    """Return a secret of 256 random bits, of which one plain SHA-256 is a safe digest."""
    return CLIENT_SECRET_PREFIX + secrets.token_urlsafe(32)


def is_client_id(text: str) -> bool:
    """Say whether a stranger's text can be an id at all."""
    return _CLIENT_ID.fullmatch(text) is not None


def digest_client_secret(secret: str) -> bytes:
    """Return what is stored of a secret."""
    return sha256(secret.encode()).digest()


def matches_digest(secret: str, digest: bytes | None) -> bool:
    """Compare a secret with what is stored; where nothing is stored, take as long and say no."""
    return hmac.compare_digest(digest_client_secret(secret), digest or _NOBODYS_DIGEST)
