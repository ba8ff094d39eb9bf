"""What people sign in with: an e-mail address or a username, in any spelling."""

import re

from auth_service.users.email_address import MAX_EMAIL_LENGTH, normalize_email
from auth_service.users.fields import USERNAME_PATTERN

_MAX_LENGTH = 2 * MAX_EMAIL_LENGTH  # room for spellings; to normalise much more would take long

_PLAIN_ADDRESS = re.compile(r"[a-z0-9_+-]+(\.[a-z0-9_+-]+)*@([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,}", re.ASCII)
"""Addresses that are their own key. To parse one takes as long as to read a row, and a sign-in asks several times."""


def normalize_identifier(identifier: str) -> str | None:
    """Return the username or the normalised address that `identifier` spells, or None when it is neither."""
    if len(identifier) > _MAX_LENGTH:
        return None
    lowered = identifier.strip().lower()
    if re.fullmatch(USERNAME_PATTERN, lowered) or (identifier.isascii() and _PLAIN_ADDRESS.fullmatch(lowered)):
        return lowered
    try:
        return normalize_email(identifier)
    except ValueError:
        return None
