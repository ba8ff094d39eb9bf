"""How old the signing key is and when the next one is due, as last read: for whoever watches the rotation."""

import time
from dataclasses import dataclass

from auth_service.tokens.key_repository import StoredKeys
from auth_service.tokens.key_schedule import rotates_at
from auth_service.tokens.settings import TokenSettings


@dataclass(frozen=True, slots=True)
class KeyAges:
    """Durations in seconds, at the moment `read_at` of the monotonic clock; `due_in` is negative when it is late."""

    read_at: float
    active: float
    due_in: float | None

    @property
    def since_read(self) -> float:
        """How long nobody has read the keys."""
        return time.monotonic() - self.read_at


def read_ages(stored: StoredKeys, settings: TokenSettings, *, read_at: float) -> KeyAges | None:
    """Return the ages of what is stored, by the database's clock; None while no key signs."""
    active, due = stored.active, rotates_at(stored, settings)
    if active is None:
        return None
    age = stored.now - (active.activated_at or active.created_at)
    return KeyAges(read_at, age.total_seconds(), None if due is None else (due - stored.now).total_seconds())
