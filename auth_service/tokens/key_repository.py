"""The SQL of signing keys."""

from collections.abc import Sequence

from sqlmodel import col, select

from auth_service.db.locks import lock_until_commit
from auth_service.db.session import Session
from auth_service.tokens.models import SigningKeyRecord


class SigningKeyRepository:
    """Signing keys at rest, within one unit of work."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def lock(self) -> None:
        """Keep every other process from making keys until the transaction ends."""
        await lock_until_commit(self._session, "signing-keys")

    async def list(self) -> Sequence[SigningKeyRecord]:
        """Return every key, the oldest first."""
        statement = select(SigningKeyRecord).order_by(col(SigningKeyRecord.created_at))
        return (await self._session.exec(statement)).all()

    def add(self, record: SigningKeyRecord) -> None:
        """Store a new key."""
        self._session.add(record)
