"""Counts attempts in the database, which all replicas share, in transactions of its own."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CTE, ColumnElement, Interval, and_, case, delete, exists, func, literal, or_, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.sql.sqltypes import UTCDateTime

from auth_service.authenticators.models import ThrottleCounter
from auth_service.authenticators.throttle_stores import Counter, seconds_until_room
from auth_service.db.clock import database_now
from auth_service.db.engine import Database
from auth_service.db.session import Session

BATCH = 500
_key, _count, _expires_at = col(ThrottleCounter.key), col(ThrottleCounter.count), col(ThrottleCounter.expires_at)
_MARK_AGAIN_AFTER = timedelta(days=1)  # not at every sign-in


class DatabaseStore:
    """One statement counts an attempt on PostgreSQL; SQLite has no such statement and needs no round trips."""

    def __init__(self, database: Database) -> None:
        """Count in this database."""
        self._database = database

    async def count(self, counters: Sequence[Counter]) -> float | None:
        """Count; raises DatabaseUnavailableError."""
        if self._database.is_sqlite:
            return await self._count_on_sqlite(counters)
        wait: float | None = None
        while wait is None:  # more than once when others took the last places meanwhile: then they can be seen
            async with self._database.statement() as session:
                is_counted, wait = (await session.execute(_counting(counters))).one()
            if is_counted:
                return None
        return wait

    async def succeed(self, *, clear: str, mark: str, lasting: float) -> None:
        """Forget one and mark the other; raises DatabaseUnavailableError."""
        async with self._database.transaction(writing=True) as session:
            await session.execute(delete(ThrottleCounter).where(_key == clear))
            await session.execute(_marking(mark, await _now(session) + timedelta(seconds=lasting)))

    async def check(self) -> None:
        """Do nothing: the database is checked by itself."""

    async def close(self) -> None:
        """Do nothing: the database is closed by itself."""

    async def _count_on_sqlite(self, counters: Sequence[Counter]) -> float | None:
        """Read, decide and write; nobody comes in between, because a transaction that writes has the only lock."""
        keys = [key for each in counters for key in (each.key, each.unless) if key]
        async with self._database.transaction(writing=True) as session:
            now = await _now(session)
            stored = await session.execute(
                select(_key, _count, _expires_at).where(_key.in_(keys), _expires_at > database_now())
            )
            counts = {key: (count, (expires_at - now).total_seconds()) for key, count, expires_at in stored}
            wait = seconds_until_room(counters, counts)
            if wait is None:
                for each in counters:
                    if each.unless not in counts:
                        expires_at = literal(now + timedelta(seconds=each.window), UTCDateTime())
                        await session.execute(_counting_one(each, expires_at, true()))
        return wait


async def forget_expired_counters(session: Session) -> bool:
    """Remove a batch of counters whose window is over, and of marks; say whether there may be more."""
    expired = select(_key).where(_expires_at < database_now()).limit(BATCH).with_for_update(skip_locked=True)
    removed: Any = await session.execute(
        delete(ThrottleCounter).where(_key.in_(expired)).execution_options(synchronize_session=False)
    )
    return bool(removed.rowcount == BATCH)


async def _now(session: Session) -> datetime:
    now: datetime = (await session.execute(select(database_now()))).scalar_one()
    return now


def _counting(counters: Sequence[Counter]) -> Any:  # noqa: ANN401 - SQLAlchemy's type of it says less than this name
    """Return the statement that counts one attempt on each, one after the other, each only after the one before.

    It says whether all were counted, and if not, how long the full ones stay full. Two of them lock their rows in the
    same order, so they never wait for each other in a circle.
    """
    full = _full(counters)
    steps: list[CTE] = []
    condition: ColumnElement[bool] = ~exists(select(full.c.key))
    is_counted: list[ColumnElement[bool]] = []
    for number, each in enumerate(counters):
        expires_at = func.clock_timestamp() + literal(timedelta(seconds=each.window), Interval())
        is_needed = _is_limited(each)
        step = _counting_one(each, expires_at, and_(condition, is_needed)).returning(_key).cte(f"counted_{number}")
        steps.append(step)
        is_done = or_(exists(select(step.c.key)), ~is_needed)
        is_counted.append(is_done)
        condition = is_done if number else exists(select(step.c.key))
    longest = select(func.max(func.extract("epoch", full.c.expires_at - func.clock_timestamp()))).scalar_subquery()
    return select(and_(~exists(select(full.c.key)), *is_counted), longest).add_cte(*steps)


def _full(counters: Sequence[Counter]) -> CTE:
    """Return the counters that have no room."""
    which = or_(*[and_(_key == each.key, _count >= each.limit, _is_limited(each)) for each in counters])
    return select(_key, _expires_at).where(which, _expires_at > database_now()).cte("full_ones")


def _is_limited(counter: Counter) -> ColumnElement[bool]:
    if counter.unless is None:
        return true()
    mark = ThrottleCounter.__table__.alias("mark")  # type: ignore[attr-defined]
    return ~exists(select(mark.c.key).where(mark.c.key == counter.unless, mark.c.expires_at > database_now()))


def _counting_one(counter: Counter, expires_at: ColumnElement[Any], condition: ColumnElement[bool]) -> Any:  # noqa: ANN401
    """Return the statement that counts one attempt where there is room, in the window that is open or in a new one."""
    first = select(literal(counter.key), literal(1), expires_at).where(condition)
    added = insert(ThrottleCounter).from_select(["key", "count", "expires_at"], first)
    is_open = _expires_at > database_now()
    return added.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "count": case((is_open, _count + 1), else_=1),
            "expires_at": case((is_open, _expires_at), else_=added.excluded.expires_at),
        },
        where=or_(~is_open, _count < counter.limit),
    )


def _marking(key: str, expires_at: datetime) -> Any:  # noqa: ANN401 - as above
    marked = insert(ThrottleCounter).values(key=key, count=1, expires_at=expires_at)
    return marked.on_conflict_do_update(
        index_elements=["key"],
        set_={"expires_at": marked.excluded.expires_at},
        where=_expires_at < expires_at - _MARK_AGAIN_AFTER,
    )
