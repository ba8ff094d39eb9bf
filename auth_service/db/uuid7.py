"""Time-ordered identifiers (RFC 9562 section 5.7): good for the index, and no central counter."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_A_MASK = 0xFFF
_RANDOM_B_MASK = (1 << 62) - 1


def uuid7(now: datetime) -> UUID:
    """Return a version 7 UUID: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = (now - _UNIX_EPOCH) // _MILLISECOND  # in whole numbers: a float can fall one short
    random = secrets.randbits(74)
    random_a = (random >> 62) & _RANDOM_A_MASK
    return UUID(int=(milliseconds << 80) | _VERSION | (random_a << 64) | _VARIANT | (random & _RANDOM_B_MASK))
