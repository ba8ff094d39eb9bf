"""Recovery codes: what stands in for a lost authenticator app, each of them once."""

import base64
import re
import secrets
from collections.abc import Mapping
from hashlib import sha256
from uuid import UUID

CODES = 10
_CODE_BYTES = 10  # 80 bits, so that one plain digest is safe at rest
_GROUP = 4
_CODE = re.compile("[A-Z2-7]{16}")
_PURPOSE = b"auth-service/recovery-code/"


def new_recovery_codes(*, user_id: UUID) -> Mapping[str, bytes]:
    """Return new codes as they are shown once, sixteen letters and digits in groups of four, with their digests."""
    plain_codes = [base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode() for _ in range(CODES)]
    return {_as_shown(plain): _digest(plain, user_id) for plain in plain_codes}


def digest_recovery_code(code: str, *, user_id: UUID) -> bytes | None:
    """Return what is stored of a code of this account, or None for a text that cannot be one.

    How it is written does not matter: capitals or not, with hyphens, with spaces or without.
    """
    plain = re.sub("[ -]", "", code).upper()
    return _digest(plain, user_id) if _CODE.fullmatch(plain) else None


def _as_shown(plain: str) -> str:
    return "-".join(plain[start : start + _GROUP] for start in range(0, len(plain), _GROUP)).lower()


def _digest(plain: str, user_id: UUID) -> bytes:
    return sha256(_PURPOSE + user_id.bytes + plain.encode()).digest()
