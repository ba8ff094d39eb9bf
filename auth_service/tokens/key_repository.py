"""The SQL of signing keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from auth_service.db.clock import database_now
from auth_service.db.locks import lock_until_commit
from auth_service.db.session import Session
from auth_service.tokens.models import KeyState, SigningKeyRecord


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """Every key of one moment, the oldest first, and that moment by the database's clock."""

    records: Sequence[SigningKeyRecord]
    now: datetime

    @property
    def active(self) -> SigningKeyRecord | None:
        """The key that signs."""
        return next(iter(self._in(KeyState.ACTIVE)), None)

    @property
    def upcoming(self) -> SigningKeyRecord | None:
        """The key that signs next."""
        return next(iter(self._in(KeyState.NEXT)), None)

    @property
    def retired(self) -> Sequence[SigningKeyRecord]:
        """The keys that signed before."""
        return self._in(KeyState.RETIRED)

    def _in(self, state: KeyState) -> Sequence[SigningKeyRecord]:
        return [record for record in self.records if record.state == state]


class SigningKeyRepository:
    """Signing keys at rest, within one unit of work."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def lock(self) -> None:
        """Keep every other process from changing keys until the transaction ends."""
        await lock_until_commit(self._session, "signing-keys")

    async def read(self) -> StoredKeys:
        """Return what is stored now, by one statement."""
        statement = select(SigningKeyRecord, database_now()).order_by(
            col(SigningKeyRecord.created_at), col(SigningKeyRecord.kid)
        )
        rows = (await self._session.exec(statement)).all()
        now = rows[0][1] if rows else (await self._session.exec(select(database_now()))).one()
        return StoredKeys([record for record, _ in rows], now)

    async def add(self, record: SigningKeyRecord) -> None:
        """Store a new key."""
        self._session.add(record)
        await self._session.flush()

    async def change_state(self, record: SigningKeyRecord, state: KeyState, *, now: datetime) -> None:
        """Store what the key is used for from `now` on."""
        record.state = state
        if state is KeyState.ACTIVE:
            record.activated_at = now
        else:
            record.retired_at = now
        await self._session.flush()

    async def delete(self, record: SigningKeyRecord) -> None:
        """Forget a key."""
        await self._session.delete(record)
        await self._session.flush()
