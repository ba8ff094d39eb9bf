"""The signing keys of this service: made once, stored encrypted, held in memory parsed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlmodel import col, select

from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.db.locks import lock_until_commit
from auth_service.db.session import Session
from auth_service.security.errors import UndecryptableError
from auth_service.security.secrets import SecretBox
from auth_service.tokens.errors import UnusableSigningKeyError
from auth_service.tokens.jws import SigningKey, generate_private_key, load_signing_key
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
    """The stored signing keys, within one unit of work."""

    def __init__(self, session: Session, box: SecretBox, audit: AuditTrail) -> None:
        """Read and write keys in `session`; `box` opens and seals their private parts."""
        self._session = session
        self._box = box
        self._audit = audit

    async def load_or_create(self, algorithm: SigningAlgorithm, *, now: datetime) -> KeyRing:
        """Return the key ring that signs with `algorithm`; the first process to ask makes the key.

        Any number of processes may ask at once: the lock lets one of them create, and the unique index would refuse a
        second active key. Raises UnusableSigningKeyError when a stored key cannot be opened: it is never replaced,
        because tokens that it signed are still in use and the operator can put its master key back.
        """
        await lock_until_commit(self._session, "signing-keys")
        records = (await self._session.exec(select(SigningKeyRecord).order_by(col(SigningKeyRecord.created_at)))).all()
        keys = {record.kid: self._open(record) for record in records}
        active = next((keys[r.kid] for r in records if r.state == KeyState.ACTIVE and r.algorithm == algorithm), None)
        if active is None:
            active = self._create(algorithm, now=now)
            keys[active.kid] = active
        return KeyRing(active=active, published=keys)

    def _create(self, algorithm: SigningAlgorithm, *, now: datetime) -> SigningKey:
        der = generate_private_key(algorithm)
        key = load_signing_key(der, algorithm)
        self._session.add(
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
