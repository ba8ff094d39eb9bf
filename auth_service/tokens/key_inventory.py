"""The stored signing keys as an operator sees them, and their encryption under another master key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authz.principal import Principal
from auth_service.tokens.key_repository import SigningKeyRepository
from auth_service.tokens.key_safe import KeySafe, Wrapping
from auth_service.tokens.key_schedule import removed_after, rotates_at, signs_not_before
from auth_service.tokens.models import KeyState
from auth_service.tokens.settings import TokenSettings


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A stored key, and the moment that it waits for: a next, an active and a retired key have one each."""

    kid: str
    algorithm: str
    state: str
    created_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None
    signs_not_before: datetime | None
    rotates_at: datetime | None
    removed_after: datetime | None
    master_key: Wrapping


class KeyInventory:
    """The stored keys, within one unit of work."""

    def __init__(self, keys: SigningKeyRepository, safe: KeySafe, audit: AuditTrail, settings: TokenSettings) -> None:
        self._keys = keys
        self._safe = safe
        self._audit = audit
        self._settings = settings

    async def list(self) -> Sequence[KeyEntry]:
        """Return every stored key, the oldest first, whether it opens or not."""
        stored, settings = await self._keys.read(), self._settings
        return [
            KeyEntry(
                kid=record.kid,
                algorithm=record.algorithm,
                state=record.state,
                created_at=record.created_at,
                activated_at=record.activated_at,
                retired_at=record.retired_at,
                signs_not_before=signs_not_before(record, settings) if record.state == KeyState.NEXT else None,
                rotates_at=rotates_at(stored, settings) if record.state == KeyState.ACTIVE else None,
                removed_after=removed_after(record, settings),
                master_key=self._safe.wrapping_of(record),
            )
            for record in stored.records
        ]

    async def rewrap(self, actor: Principal) -> tuple[int, int]:
        """Encrypt every key under the first master key; return how many were under another one, and how many there are.

        Replicas go on serving: they hold the keys opened, and every one of them has the first master key. Raises
        UnusableSigningKeyError, and changes nothing, when a key cannot be opened.
        """
        await self._keys.lock()
        stored = await self._keys.read()
        changed = [record.kid for record in stored.records if self._safe.rewrap(record)]
        if changed:
            self._audit.record(AuditEvent.SIGNING_KEYS_REWRAPPED, actor=actor, kids=changed)
        return len(changed), len(stored.records)
