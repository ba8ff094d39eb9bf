"""Recovery codes: what stands in for a lost authenticator app, each of them once."""

import base64
import re
import secrets
from hashlib import sha256
from uuid import UUID

CODES = 10
_CODE_BYTES = 10  # 80 bits, so that one plain digest is safe at rest
_GROUP = 4
_CODE = re.compile("[A-Z2-7]{16}")
_PURPOSE = b"auth-service/recovery-code/"


def new_recovery_codes() -> list[str]:
    """Return new codes, as they are shown once: sixteen letters and digits in groups of four."""
    return [_new_code() for _ in range(CODES)]


def digest_recovery_code(code: str, *, user_id: UUID) -> bytes | None:
    """Return what is stored of a code of this account, or None for a text that cannot be one.

    How it is written does not matter: capitals or not, with hyphens, with spaces or without.
    """
    plain = re.sub("[ -]", "", code).upper()
    if not _CODE.fullmatch(plain):
        return None
    return sha256(_PURPOSE + user_id.bytes + plain.encode()).digest()


def _new_code() -> str:
    plain = base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower()
    return "-".join(plain[start : start + _GROUP] for start in range(0, len(plain), _GROUP))
