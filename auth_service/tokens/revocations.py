"""What ended before its time: recorded in the transaction that ends it, numbered in the order of commits."""

import base64
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import delete, update
from sqlmodel import col, select

from auth_service.db.clock import database_now
from auth_service.db.session import Session
from auth_service.tokens.models import RevocationCounter, RevocationRecord


class RevocationKind(StrEnum):
    """What an entry names: a claim, or a member of the header, of the tokens that it ends."""

    SESSION = "sid"
    CLIENT = "client"
    KEY = "kid"


def revocation_digest(kind: RevocationKind, value: str) -> str:
    """Return BASE64URL(SHA-256(kind || ":" || value)): values are recognised, not published."""
    return base64.urlsafe_b64encode(sha256(f"{kind}:{value}".encode()).digest()).rstrip(b"=").decode()


class Revocations:
    """The entries of the revocation feed, within one unit of work."""

    def __init__(self, session: Session, *, leeway: timedelta) -> None:
        """Write in `session`; `leeway` is how far the clocks of the replicas that issue tokens may be apart."""
        self._session = session
        self._leeway = leeway

    async def record(self, kind: RevocationKind, values: Iterable[str]) -> None:
        """Record that every token of these values that was issued until now has ended.

        The numbers come from one counter row, which stays locked until the commit: so the order of numbers is the order
        of commits, and a reader who has seen a number has seen all before it. Whoever holds that row keeps others
        waiting, so this comes last in a use case.
        """
        digests = [revocation_digest(kind, value) for value in values]
        if not digests:
            return
        taken = update(RevocationCounter).values(seq=col(RevocationCounter.seq) + len(digests))
        last = (await self._session.exec(taken.returning(col(RevocationCounter.seq)))).scalar_one()
        now = (await self._session.exec(select(database_now()))).one()
        first = last - len(digests) + 1
        self._session.add_all(
            RevocationRecord(seq=seq, kind=kind, digest=digest, before=now + self._leeway)
            for seq, digest in enumerate(digests, first)
        )
        await self._session.flush()

    async def delete_outlived(self, *, older_than: timedelta) -> None:
        """Remove the entries whose tokens could last be issued that long ago; no cursor needs them."""
        now = (await self._session.exec(select(database_now()))).one()
        statement = delete(RevocationRecord).where(col(RevocationRecord.before) < now - older_than)
        await self._session.exec(statement.execution_options(synchronize_session=False))
