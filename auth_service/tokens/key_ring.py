"""The signing keys as a process holds them: opened once, in memory, taken over again from what is stored."""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import structlog

from auth_service.tokens.errors import UnusableKeysError, UnusableSigningKeyError
from auth_service.tokens.jws import SigningKey
from auth_service.tokens.key_repository import StoredKeys
from auth_service.tokens.key_safe import KeySafe
from auth_service.tokens.models import KeyState, SigningKeyRecord

log = structlog.get_logger()


@dataclass(frozen=True)
class KeyRing:
    """The keys that verify, by their `kid`: the one that signs, the one that signs next, and those that signed before.

    `sealed` is what each was opened from. `signs_until` is on the monotonic clock: who has not read the keys for so
    long may have missed a rotation, and what an old key signs now could outlive its publication.
    """

    signing_kid: str
    published: Mapping[str, SigningKey]
    sealed: Mapping[str, bytes] = field(repr=False)
    signs_until: float = math.inf

    @property
    def active(self) -> SigningKey:
        """The key that signs. Raises UnusableKeysError."""
        if time.monotonic() > self.signs_until:
            raise UnusableKeysError
        return self.published[self.signing_kid]

    @cached_property
    def jwks(self) -> bytes:
        """The JWK Set document (RFC 7517 section 5): public members only, the active key first."""
        return json.dumps({"keys": [dict(key.public_jwk) for key in self.published.values()]}).encode()


def open_key_ring(stored: StoredKeys, safe: KeySafe) -> KeyRing:
    """Return every stored key, of which one is active.

    Raises UnusableSigningKeyError when one cannot be opened: it is neither left out nor replaced, because tokens that
    it signed are still in use and the operator can put its master key back.
    """
    records = _in_order(stored)
    return _ring(records, {record.kid: safe.open(record) for record in records})


def refresh_key_ring(ring: KeyRing, stored: StoredKeys, safe: KeySafe) -> KeyRing:
    """Return the ring that follows `ring`; what it holds already is not opened again.

    A key that no master key opens any more is taken from `ring`: its name is its thumbprint, so it is the same key. One
    that was never opened here is left out and reported, and this process goes on with the others. Raises
    UnusableSigningKeyError when that is the key which signs.
    """
    opened = {record.kid: _reopen(record, ring, safe) for record in _in_order(stored)}
    usable = {kid: key for kid, key in opened.items() if key is not None}
    if stored.active is None or stored.active.kid not in usable:
        raise UnusableSigningKeyError("the signing key in use cannot be opened with the configured master keys")
    return _ring([record for record in _in_order(stored) if record.kid in usable], usable)


def _reopen(record: SigningKeyRecord, ring: KeyRing, safe: KeySafe) -> SigningKey | None:
    held = ring.published.get(record.kid)
    if held is not None and ring.sealed[record.kid] == record.encrypted_private_key:
        return held
    try:
        return safe.open(record)
    except UnusableSigningKeyError:
        log.error("signing_key.unusable", kid=record.kid, state=record.state)  # noqa: TRY400 - the row is at fault
        return held


def _ring(records: list[SigningKeyRecord], opened: Mapping[str, SigningKey]) -> KeyRing:
    sealed = {record.kid: record.encrypted_private_key for record in records}
    return KeyRing(records[0].kid, {record.kid: opened[record.kid] for record in records}, sealed)


def _in_order(stored: StoredKeys) -> list[SigningKeyRecord]:
    """Return the active key, the next one, and the retired ones, the latest first."""
    states = [KeyState.ACTIVE, KeyState.NEXT, KeyState.RETIRED]

    def place(record: SigningKeyRecord) -> tuple[int, float]:
        return states.index(KeyState(record.state)), -record.created_at.timestamp()

    return sorted(stored.records, key=place)
