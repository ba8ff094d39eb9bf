"""A lock by name that lasts until the end of the transaction, over all replicas."""

from hashlib import sha256

from sqlalchemy import func
from sqlmodel import select

from auth_service.db.limits import without_limits
from auth_service.db.session import Session


async def lock_until_commit(session: Session, name: str) -> None:
    """Wait for the lock called `name` and hold it until this transaction ends.

    On SQLite a writing transaction holds the only write lock already. On PostgreSQL the lock is a transaction's, never
    a session's, so it is safe behind a transaction pooler. It is waited for as long as it takes, by replicas that start
    at once on a slow machine too: one that freezes with it is cut off when it idles.
    """
    if session.get_bind().dialect.name != "sqlite":
        await (await session.connection()).execute(without_limits("lock_timeout", "statement_timeout"))
        await session.exec(select(func.pg_advisory_xact_lock(_number(name))))


async def try_lock_until_commit(session: Session, name: str) -> bool:
    """Take the lock called `name` until this transaction ends, or say that somebody else has it."""
    if session.get_bind().dialect.name == "sqlite":
        return True
    return bool((await session.exec(select(func.pg_try_advisory_xact_lock(_number(name))))).one())


def _number(name: str) -> int:
    return int.from_bytes(sha256(name.encode()).digest()[:8], signed=True)
