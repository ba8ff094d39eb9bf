"""A lock by name that lasts until the end of the transaction, over all replicas."""

from hashlib import sha256

from sqlalchemy import func
from sqlmodel import select

from auth_service.db.session import Session


async def lock_until_commit(session: Session, name: str) -> None:
    """Wait for the lock called `name` and hold it until this transaction ends.

    On SQLite a writing transaction holds the only write lock already. On PostgreSQL the lock is a transaction's, never
    a session's, so it is safe behind a transaction pooler.
    """
    if session.get_bind().dialect.name == "sqlite":
        return
    number = int.from_bytes(sha256(name.encode()).digest()[:8], signed=True)
    await session.exec(select(func.pg_advisory_xact_lock(number)))
