"""What ended before its time: recorded in the transaction that ends it, numbered in the order of commits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, literal_column, update
from sqlmodel import col, select

from auth_service.db.batches import change_oldest
from auth_service.db.clock import database_now
from auth_service.db.session import Session
from auth_service.security import base64url
from auth_service.tokens.models import RevocationCounter, RevocationRecord

MAX_PAGE = 1000
BATCH = 1000

# Which server it is, how often one of its line was promoted (a standby that took over may lack the last numbers), and
# which of its databases.
_LIFE = {
    "postgresql": (
        "(SELECT system_identifier FROM pg_control_system()) || left(pg_walfile_name(pg_current_wal_lsn()), 8)"
        " || (SELECT oid::text FROM pg_database WHERE datname = current_database())"
    ),
    "sqlite": "''",
}


class RevocationKind(StrEnum):
    """What an entry names: a claim, or a member of the header, of the tokens that it ends."""

    SESSION = "sid"
    CLIENT = "client"
    KEY = "kid"


def revocation_digest(kind: RevocationKind, value: str) -> str:
    """Return BASE64URL(SHA-256(kind || ":" || value)): values are recognised, not published."""
    return base64url.encode(sha256(f"{kind}:{value}".encode()).digest())


class Revocation(NamedTuple):
    """An entry of the feed; `before` is in seconds since 1970."""

    seq: int
    kind: str
    digest: str
    before: int


@dataclass(frozen=True, slots=True)
class RevocationPage:
    """The entries behind the number `start` up to `next`; `seq` is the last number that there was at `read_at`.

    `epoch` names the life of the numbering.
    """

    epoch: str
    start: int
    next: int
    seq: int
    entries: Sequence[Revocation]
    read_at: datetime


class Revocations:
    """The entries of the revocation feed, within one unit of work."""

    def __init__(self, session: Session, *, leeway: timedelta) -> None:
        """Work in `session`; `leeway` is how far the clocks of the replicas that issue tokens may be apart."""
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
        last, now = (await self._session.exec(taken.returning(col(RevocationCounter.seq), database_now()))).one()
        self._session.add_all(
            RevocationRecord(seq=seq, kind=kind, digest=digest, before=now + self._leeway)
            for seq, digest in enumerate(digests, last - len(digests) + 1)
        )
        await self._session.flush()

    async def page(self, after: int, *, epoch: str | None, keep: timedelta, read_at: datetime) -> RevocationPage:
        """Return the entries behind `after` whose time is not longer ago than `keep`, MAX_PAGE of them at most.

        A number ahead of this database's, or of another epoch, gets the list from its start. Only a primary answers: a
        standby cannot know what it does not have yet.
        """
        session = self._session
        life: ColumnElement[str] = literal_column(_LIFE[session.get_bind().dialect.name])
        head = select(RevocationCounter.seq, RevocationCounter.epoch, life, database_now())
        seq, stored_epoch, life_now, now = (await session.exec(head)).one()
        epoch_now = base64url.encode(sha256(f"{stored_epoch}{life_now}".encode()).digest()[:12])
        start = after if after <= seq and epoch in {None, epoch_now} else 0
        record = RevocationRecord
        statement = select(record.seq, record.kind, record.digest, record.before).where(
            col(record.seq) > start, col(record.before) > now - keep
        )
        found = (await session.exec(statement.order_by(col(record.seq)).limit(MAX_PAGE + 1))).all()
        entries = [
            Revocation(number, kind, digest, int(before.timestamp()))
            for number, kind, digest, before in found[:MAX_PAGE]
        ]
        if len(found) > MAX_PAGE:
            return RevocationPage(epoch_now, start, entries[-1].seq, max(seq, found[-1][0]), entries, read_at)
        # What was added since the first statement is in the list as well.
        upto = max(seq, entries[-1].seq) if entries else seq
        return RevocationPage(epoch_now, start, upto, upto, entries, read_at)

    async def delete_outlived(self, *, older_than: timedelta) -> bool:
        """Remove a batch of the entries that are that old; no cursor needs them. Say whether there may be more."""
        return await change_oldest(
            self._session,
            delete(RevocationRecord),
            col(RevocationRecord.seq),
            moment=col(RevocationRecord.before),
            older_than=older_than,
            limit=BATCH,
        )
