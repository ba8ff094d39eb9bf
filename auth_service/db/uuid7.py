"""Time-ordered identifiers (RFC 9562 section 5.7): good for the index, and no central counter."""

import secrets
from datetime import datetime
from uuid import UUID

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_A_MASK = 0xFFF
_RANDOM_B_MASK = (1 << 62) - 1


def uuid7(now: datetime) -> UUID:
    """Return a version 7 UUID: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = int(now.timestamp() * 1000)
    random = secrets.randbits(74)
    random_a = (random >> 62) & _RANDOM_A_MASK
    return UUID(int=(milliseconds << 80) | _VERSION | (random_a << 64) | _VARIANT | (random & _RANDOM_B_MASK))
