"""The SQL of second factors; each thing that is good once is used by one conditional statement."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Delete, Update, bindparam, delete, func, insert, literal, update
from sqlmodel import col, select

from auth_service.authenticators.models import RecoveryCode, TotpCredential
from auth_service.db.batches import change_oldest
from auth_service.db.clock import database_now
from auth_service.db.hot_statement import HotStatement, columns_of, detached
from auth_service.db.session import Session

BATCH = 1000


class SecondFactorRepository:
    """Authenticator apps and recovery codes, within one unit of work."""

    def __init__(self, session: Session) -> None:
        """Read and write in `session`."""
        self._session = session

    async def find(self, user_id: UUID) -> TotpCredential | None:
        """Return for reading what the account shares with an app, confirmed or not, as it is now, or None."""
        row = await _CREDENTIAL.find(self._session, user_id=user_id)
        return None if row is None else detached(TotpCredential, row)

    async def replace(self, user_id: UUID, sealed_seed: bytes) -> None:
        """Store a seed that is to be confirmed, in the place of another one."""
        await self.delete(user_id)
        new = {"user_id": user_id, "sealed_seed": sealed_seed, "last_step": 0, "created_at": await self._now()}
        await self._session.exec(insert(TotpCredential).values(new))

    async def confirm(self, user_id: UUID, *, step: int, within: timedelta) -> bool:
        """Let the seed count from now on, if it was stored `within` this time; `step` was the first code's."""
        now = await self._now()
        statement = (
            update(TotpCredential)
            .where(
                col(TotpCredential.user_id) == user_id,
                col(TotpCredential.confirmed_at).is_(None),
                col(TotpCredential.created_at) > now - within,
            )
            .values(confirmed_at=now, last_step=step)
        )
        return await self._changes_one(statement)

    async def use_step(self, user_id: UUID, step: int) -> bool:
        """Use the code of a time step, unless it or a later one was used: the statement that decides who does."""
        statement = (
            update(TotpCredential)
            .where(
                col(TotpCredential.user_id) == user_id,
                col(TotpCredential.confirmed_at).is_not(None),
                col(TotpCredential.last_step) < step,
            )
            .values(last_step=step)
        )
        return await self._changes_one(statement)

    async def use_code(self, user_id: UUID, digest: bytes) -> bool:
        """Use a recovery code, if there is one: the statement that decides who does."""
        statement = delete(RecoveryCode).where(col(RecoveryCode.digest) == digest, col(RecoveryCode.user_id) == user_id)
        return await self._changes_one(statement)

    async def count_codes(self, user_id: UUID) -> int:
        """Return how many recovery codes are left."""
        statement = select(func.count()).select_from(RecoveryCode).where(col(RecoveryCode.user_id) == user_id)
        return (await self._session.exec(statement)).one()

    async def replace_codes(self, user_id: UUID, digests: Iterable[bytes]) -> None:
        """Store these recovery codes in the place of all others."""
        statement = delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id)
        await self._session.exec(statement.execution_options(synchronize_session=False))
        now = await self._now()
        new = [{"digest": digest, "user_id": user_id, "created_at": now} for digest in digests]
        await self._session.exec(insert(RecoveryCode).values(new))

    async def delete(self, user_id: UUID) -> None:
        """Forget what the account shares with an app, and its recovery codes."""
        for table in (TotpCredential, RecoveryCode):
            statement = delete(table).where(col(table.user_id) == user_id)
            await self._session.exec(statement.execution_options(synchronize_session=False))

    async def delete_unconfirmed(self, *, older_than: timedelta) -> bool:
        """Remove a batch of seeds that nobody has confirmed in that time; say whether there may be more."""
        return await change_oldest(
            self._session,
            delete(TotpCredential),
            col(TotpCredential.user_id),
            col(TotpCredential.confirmed_at).is_(None),
            moment=col(TotpCredential.created_at),
            older_than=older_than,
            limit=BATCH,
        )

    async def seeds_after(self, user_id: UUID | None) -> Sequence[tuple[UUID, bytes]]:
        """Return whose and which sealed seeds follow, in the order of the accounts' ids, a batch of them."""
        statement = select(TotpCredential.user_id, TotpCredential.sealed_seed)
        if user_id is not None:
            statement = statement.where(col(TotpCredential.user_id) > user_id)
        return (await self._session.exec(statement.order_by(col(TotpCredential.user_id)).limit(BATCH))).all()

    async def reseal(self, user_id: UUID, *, old: bytes, new: bytes) -> bool:
        """Replace the ciphertext, unless somebody else has replaced or removed it meanwhile."""
        statement = (
            update(TotpCredential)
            .where(col(TotpCredential.user_id) == user_id, col(TotpCredential.sealed_seed) == old)
            .values(sealed_seed=new)
        )
        return await self._changes_one(statement)

    async def _changes_one(self, statement: Update | Delete) -> bool:
        """Execute a statement about one row at most; say whether the row was there and as the statement wants it."""
        returning = statement.returning(literal(1)).execution_options(synchronize_session=False)
        return (await self._session.exec(returning)).one_or_none() is not None

    async def _now(self) -> datetime:
        return (await self._session.exec(select(database_now()))).one()


_CREDENTIAL = HotStatement(
    select(*columns_of(TotpCredential)).where(col(TotpCredential.user_id) == bindparam("user_id"))
)
