"""What people sign in with: an e-mail address or a username, in any spelling."""

import re

from auth_service.users.email_address import normalize_email
from auth_service.users.fields import USERNAME_PATTERN


def normalize_identifier(identifier: str) -> str | None:
    """Return the username or the normalised address that `identifier` spells, or None when it is neither."""
    if re.fullmatch(USERNAME_PATTERN, username := identifier.strip().lower()):
        return username
    try:
        return normalize_email(identifier)
    except ValueError:
        return None
