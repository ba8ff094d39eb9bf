"""When each signing key may sign, is to be replaced, and is to be removed."""

from datetime import datetime

from auth_service.tokens.key_repository import StoredKeys
from auth_service.tokens.models import SigningKeyRecord
from auth_service.tokens.settings import TokenSettings


def signs_not_before(upcoming: SigningKeyRecord, settings: TokenSettings) -> datetime:
    """Return when a next key has dwelt: every verifier knows it then."""
    return upcoming.created_at + settings.key_dwell


def rotates_at(stored: StoredKeys, settings: TokenSettings) -> datetime | None:
    """Return when the next key takes over from the active one, or None while there is no next key.

    The next key has dwelt then, and the active one has signed for long enough. One of another algorithm than the
    configured one has; a next key that is not of the configured algorithm either is the work of a replica with other
    settings, and does not hurry anybody.
    """
    active, upcoming, wanted = stored.active, stored.upcoming, settings.algorithm
    if upcoming is None:
        return None
    dwelt = signs_not_before(upcoming, settings)
    if active is None or active.algorithm != wanted == upcoming.algorithm:
        return dwelt
    return max(dwelt, (active.activated_at or active.created_at) + settings.key_rotation_interval)


def removed_after(record: SigningKeyRecord, settings: TokenSettings) -> datetime | None:
    """Return when no token of a retired key can be good any more, or None for a key that is not retired."""
    return None if record.retired_at is None else record.retired_at + settings.key_retention
