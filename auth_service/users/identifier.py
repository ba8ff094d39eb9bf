"""What people sign in with: an e-mail address or a username, in any spelling."""

import re

from auth_service.users.email_address import MAX_EMAIL_LENGTH, normalize_email
from auth_service.users.fields import USERNAME_PATTERN

_MAX_LENGTH = 2 * MAX_EMAIL_LENGTH  # room for spellings; to normalise much more would take long


def normalize_identifier(identifier: str) -> str | None:
    """Return the username or the normalised address that `identifier` spells, or None when it is neither."""
    if len(identifier) > _MAX_LENGTH:
        return None
    if re.fullmatch(USERNAME_PATTERN, username := identifier.strip().lower()):
        return username
    try:
        return normalize_email(identifier)
    except ValueError:
        return None
