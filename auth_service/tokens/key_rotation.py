"""Which signing key is next, which one signs and which one is gone: every change, one process at a time."""

from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authz.principal import Principal
from auth_service.tokens.errors import ActiveKeyError, SigningKeyNotFoundError, UnusableNextKeyError, YoungKeyError
from auth_service.tokens.key_repository import SigningKeyRepository, StoredKeys
from auth_service.tokens.key_safe import KeySafe, Wrapping
from auth_service.tokens.key_schedule import removed_after, rotates_at, signs_not_before
from auth_service.tokens.models import KeyState, SigningKeyRecord
from auth_service.tokens.revocations import RevocationKind, Revocations
from auth_service.tokens.settings import TokenSettings


class KeyRotation:
    """Changes signing keys, within one unit of work.

    Each change takes a lock over all replicas first and reads what is stored after that; every age is the database's. A
    key is published for a dwell before it signs, because many verifiers refetch only by time, and after it signed for
    as long as its tokens are good.
    """

    def __init__(
        self,
        keys: SigningKeyRepository,
        safe: KeySafe,
        audit: AuditTrail,
        revocations: Revocations,
        settings: TokenSettings,
    ) -> None:
        self._keys = keys
        self._safe = safe
        self._audit = audit
        self._revocations = revocations
        self._settings = settings

    async def prepare(self) -> StoredKeys:
        """Return what is stored when there is an active key and a next one of the configured algorithm.

        A next key of another algorithm never signed anything, so it is replaced; the active key signs until the new one
        has dwelt. Raises UnusableSigningKeyError, before anything is changed.
        """
        stored = await self._lock_and_read()
        for record in stored.records:
            self._safe.open(record)
        if stored.active is None:
            await self._replace_active(stored)
            stored = await self._keys.read()
        if stored.upcoming is not None and stored.upcoming.algorithm != self._settings.algorithm:
            await self._remove(stored.upcoming)
        stored = await self._keys.read()
        if stored.upcoming is None:
            await self._make(KeyState.NEXT, stored)
        return await self._keys.read()

    async def _replace_active(self, stored: StoredKeys) -> None:
        """Let a key sign where none does: the next one, which verifiers may know already, if there is one."""
        if stored.upcoming is not None:
            await self._promote(stored.upcoming, stored, actor=None)
        else:
            await self._make(KeyState.ACTIVE, stored)

    def is_due(self, stored: StoredKeys) -> bool:
        """Say whether the schedule has something to change."""
        return stored.upcoming is None or self._is_promotion_due(stored) or bool(self._outlived(stored))

    async def follow_schedule(self) -> None:
        """Change what is due, unless another replica has just done it. Raises UnusableSigningKeyError."""
        stored = await self._lock_and_read()
        for record in self._outlived(stored):
            await self._remove(record)
        if stored.upcoming is None:
            await self._make(KeyState.NEXT, stored)
        elif self._is_promotion_due(stored):
            await self._promote(stored.upcoming, stored, actor=None)

    async def rotate(self, actor: Principal, *, emergency: bool) -> None:
        """Let the next key sign from now on. Raises YoungKeyError unless it has dwelt or this is an emergency."""
        stored = await self._lock_and_read()
        upcoming = stored.upcoming or await self._make(KeyState.NEXT, stored)
        usable_at = signs_not_before(upcoming, self._settings)
        if not emergency and stored.now < usable_at:
            raise YoungKeyError(usable_at)
        await self._promote(upcoming, stored, actor=actor)

    async def revoke(self, actor: Principal, kid: str, *, emergency: bool) -> None:
        """Remove a compromised key, and tell everybody by the revocation feed.

        When it is the one that signs, the next one takes over whether it has dwelt or not, so this needs `emergency`.
        Raises SigningKeyNotFoundError, ActiveKeyError, UnusableNextKeyError.
        """
        stored = await self._lock_and_read()
        record = next((record for record in stored.records if record.kid == kid), None)
        if record is None:
            raise SigningKeyNotFoundError
        was_active, was_next = record is stored.active, record is stored.upcoming
        if was_active and not emergency:
            raise ActiveKeyError
        if was_active and stored.upcoming is not None and self._safe.wrapping_of(stored.upcoming) is Wrapping.NONE:
            raise UnusableNextKeyError(stored.upcoming.kid)
        self._audit.record(AuditEvent.SIGNING_KEY_REVOKED, actor=actor, kid=kid, state=record.state)
        await self._keys.delete(record)
        if was_active:
            upcoming = stored.upcoming or await self._make(KeyState.NEXT, stored)
            await self._promote(upcoming, await self._keys.read(), actor=actor)
        elif was_next:
            await self._make(KeyState.NEXT, stored)
        await self._revocations.record(RevocationKind.KEY, [kid])

    async def _lock_and_read(self) -> StoredKeys:
        await self._keys.lock()
        return await self._keys.read()

    async def _promote(self, upcoming: SigningKeyRecord, stored: StoredKeys, *, actor: Principal | None) -> None:
        """Let `upcoming` sign; who cannot open it leaves that to a replica that can."""
        self._safe.open(upcoming)
        retired = stored.active
        if retired is not None:
            await self._keys.change_state(retired, KeyState.RETIRED, now=stored.now)
        await self._keys.change_state(upcoming, KeyState.ACTIVE, now=stored.now)
        self._audit.record(
            AuditEvent.SIGNING_KEY_ROTATED, actor=actor, kid=upcoming.kid, retired=retired.kid if retired else None
        )
        await self._make(KeyState.NEXT, stored)

    async def _make(self, state: KeyState, stored: StoredKeys) -> SigningKeyRecord:
        record = self._safe.make(self._settings.algorithm, state, now=stored.now)
        await self._keys.add(record)
        self._audit.record(
            AuditEvent.SIGNING_KEY_CREATED, actor=None, kid=record.kid, algorithm=record.algorithm, state=state
        )
        return record

    async def _remove(self, record: SigningKeyRecord) -> None:
        self._audit.record(AuditEvent.SIGNING_KEY_REMOVED, actor=None, kid=record.kid, state=record.state)
        await self._keys.delete(record)

    def _is_promotion_due(self, stored: StoredKeys) -> bool:
        due_at = rotates_at(stored, self._settings)
        return due_at is not None and stored.now >= due_at

    def _outlived(self, stored: StoredKeys) -> list[SigningKeyRecord]:
        """Return the retired keys of which no token can be good any more."""
        ends = [(record, removed_after(record, self._settings)) for record in stored.retired]
        return [record for record, end in ends if end is not None and stored.now > end]
