"""The signing keys of this service: made once, stored encrypted, held in memory parsed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.security.errors import UndecryptableError
from auth_service.security.secrets import SecretBox
from auth_service.tokens.errors import UnusableSigningKeyError
from auth_service.tokens.jws import SigningKey, generate_private_key, load_signing_key
from auth_service.tokens.key_repository import SigningKeyRepository
from auth_service.tokens.models import KeyState, SigningKeyRecord
from auth_service.tokens.settings import SigningAlgorithm

KEY_PURPOSE = "signing-keys"


@dataclass(frozen=True)
class KeyRing:
    """The keys that verify, by their `kid`, and the one among them that signs."""

    active: SigningKey
    published: Mapping[str, SigningKey]

    @cached_property
    def jwks(self) -> bytes:
        """The JWK Set document (RFC 7517 section 5); public members only."""
        return json.dumps({"keys": [dict(key.public_jwk) for key in self.published.values()]}).encode()


class SigningKeys:
    """The stored signing keys, within one unit of work; `box` opens and seals their private parts."""

    def __init__(self, keys: SigningKeyRepository, box: SecretBox, audit: AuditTrail) -> None:
        self._repository = keys
        self._box = box
        self._audit = audit

    async def load(self, algorithm: SigningAlgorithm) -> KeyRing | None:
        """Return the key ring that signs with `algorithm`, or None when no key of it was made yet.

        Raises UnusableSigningKeyError when a stored key cannot be opened: it is neither left out nor replaced, because
        tokens that it signed are still in use and the operator can put its master key back.
        """
        records = await self._repository.list()
        keys = {record.kid: self._open(record) for record in records}
        active = [keys[r.kid] for r in records if r.state == KeyState.ACTIVE and r.algorithm == algorithm]
        return KeyRing(active=active[0], published=keys) if active else None

    async def load_or_create(self, algorithm: SigningAlgorithm, *, now: datetime) -> KeyRing:
        """Like `load`, but the first process to ask makes the key.

        Any number of processes may ask at once: the lock lets one of them create, and the unique index would refuse a
        second active key.
        """
        await self._repository.lock()
        ring = await self.load(algorithm)
        if ring is not None:
            return ring
        others = {record.kid: self._open(record) for record in await self._repository.list()}
        created = self._create(algorithm, now=now)
        return KeyRing(active=created, published={**others, created.kid: created})

    def _create(self, algorithm: SigningAlgorithm, *, now: datetime) -> SigningKey:
        der = generate_private_key(algorithm)
        key = load_signing_key(der, algorithm)
        self._repository.add(
            SigningKeyRecord(
                kid=key.kid,
                algorithm=algorithm,
                state=KeyState.ACTIVE,
                encrypted_private_key=self._box.seal(der, context=_context(key.kid, algorithm)),
                created_at=now,
            )
        )
        self._audit.record(AuditEvent.SIGNING_KEY_CREATED, actor=None, kid=key.kid, algorithm=algorithm)
        return key

    def _open(self, record: SigningKeyRecord) -> SigningKey:
        try:
            der = self._box.open(record.encrypted_private_key, context=_context(record.kid, record.algorithm))
        except UndecryptableError:
            message = f"signing key {record.kid} cannot be opened with the configured master keys"
            raise UnusableSigningKeyError(message) from None
        return load_signing_key(der, SigningAlgorithm(record.algorithm))


def _context(kid: str, algorithm: str) -> bytes:
    """Bind the ciphertext to its row, so that one key's private part cannot be passed off as another's."""
    return f"{kid}/{algorithm}/{KEY_PURPOSE}".encode()
