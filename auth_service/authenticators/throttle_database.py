"""Counts attempts in the database, which all replicas share, in transactions of its own."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import cache
from string import Template
from typing import Any

from sqlalchemy import case, delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from auth_service.authenticators.models import ThrottleCounter
from auth_service.authenticators.throttle_stores import Counter, seconds_until_room
from auth_service.db.batches import change_oldest
from auth_service.db.clock import database_now
from auth_service.db.engine import Database
from auth_service.db.hot_statement import HotStatement
from auth_service.db.session import Session

BATCH = 500
_key, _count, _expires_at = col(ThrottleCounter.key), col(ThrottleCounter.count), col(ThrottleCounter.expires_at)
_MARK_AGAIN_AFTER = timedelta(days=1)  # not at every sign-in

_WHOLE = Template("""
WITH full_ones AS (
  SELECT expires_at FROM throttle_counters WHERE expires_at > clock_timestamp() AND ($full)
), $steps
SELECT $done, CAST((SELECT EXTRACT(epoch FROM max(expires_at) - clock_timestamp()) FROM full_ones) AS float)
""")
_NONE_IS_FULL = "NOT EXISTS (SELECT FROM full_ones)"
_IS_FULL = Template("(key = CAST(:key_$n AS varchar) AND count >= CAST(:limit_$n AS integer) AND $limited)")
_IS_LIMITED = Template("""NOT EXISTS (
  SELECT FROM throttle_counters mark
  WHERE mark.key = CAST(:unless_$n AS varchar) AND mark.expires_at > clock_timestamp())""")
_STEP = Template("""counted_$n AS (
  INSERT INTO throttle_counters AS stored (key, count, expires_at)
  SELECT CAST(:key_$n AS varchar), 1, clock_timestamp() + make_interval(secs => CAST(:window_$n AS float))
  WHERE $condition
  ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN stored.expires_at > clock_timestamp() THEN stored.count + 1 ELSE 1 END,
    expires_at = CASE WHEN stored.expires_at > clock_timestamp() THEN stored.expires_at ELSE excluded.expires_at END
  WHERE stored.expires_at <= clock_timestamp() OR stored.count < CAST(:limit_$n AS integer)
  RETURNING 1)""")

_SUCCESS = HotStatement(
    text("""
WITH cleared AS (DELETE FROM throttle_counters WHERE key = CAST(:clear AS varchar))
INSERT INTO throttle_counters AS stored (key, count, expires_at)
VALUES (CAST(:mark AS varchar), 1, clock_timestamp() + make_interval(secs => CAST(:lasting AS float)))
ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at
WHERE stored.expires_at < excluded.expires_at - make_interval(secs => CAST(:again AS float))""")
)


class DatabaseStore:
    """One statement counts an attempt on PostgreSQL; SQLite has no such statement and needs no round trips."""

    def __init__(self, database: Database) -> None:
        """Count in this database."""
        self._database = database

    async def count(self, counters: Sequence[Counter]) -> float | None:
        """Count; raises DatabaseUnavailableError."""
        if self._database.is_sqlite:
            return await self._count_on_sqlite(counters)
        statement = _counting(tuple(each.unless is not None for each in counters))
        arguments = {f"{name}_{n}": value for n, each in enumerate(counters) for name, value in asdict(each).items()}
        wait: float | None = None
        while wait is None:  # more than once when others took the last places meanwhile: then they can be seen
            is_counted, wait = await self._database.run(statement, **arguments) or ()  # there is always a row
            if is_counted:
                return None
        return wait

    async def succeed(self, *, clear: str, mark: str, lasting: float) -> None:
        """Forget one and mark the other; raises DatabaseUnavailableError."""
        if not self._database.is_sqlite:
            again = min(_MARK_AGAIN_AFTER.total_seconds(), lasting / 2)
            arguments = {"clear": clear, "mark": mark, "lasting": lasting, "again": again}
            await self._database.run(_SUCCESS, **arguments)
            return
        async with self._database.transaction(writing=True) as session:
            await session.exec(delete(ThrottleCounter).where(_key == clear))
            await session.exec(_marking(mark, await _now(session), timedelta(seconds=lasting)))

    async def check(self) -> None:
        """Do nothing: the database is checked by itself."""

    async def close(self) -> None:
        """Do nothing: the database is closed by itself."""

    async def _count_on_sqlite(self, counters: Sequence[Counter]) -> float | None:
        """Read, decide and write; nobody comes in between, because a transaction that writes has the only lock."""
        keys = [key for each in counters for key in (each.key, each.unless) if key]
        async with self._database.transaction(writing=True) as session:
            now = await _now(session)
            stored = await session.exec(
                select(_key, _count, _expires_at).where(_key.in_(keys), _expires_at > database_now())
            )
            counts = {key: (count, (expires_at - now).total_seconds()) for key, count, expires_at in stored}
            wait = seconds_until_room(counters, counts)
            if wait is None:
                for each in counters:
                    if each.unless not in counts:
                        await session.exec(_counting_on_sqlite(each, now))
        return wait


async def forget_expired_counters(session: Session) -> bool:
    """Remove a batch of counters whose window is over, and of marks; say whether there may be more."""
    return await change_oldest(
        session,
        delete(ThrottleCounter),
        _key,
        moment=_expires_at,
        older_than=timedelta(0),
        limit=BATCH,
    )


async def _now(session: Session) -> datetime:
    return (await session.exec(select(database_now()))).one()


@cache
def _counting(has_mark: tuple[bool, ...]) -> HotStatement:
    """Return the statement that counts one attempt on each counter, each only after the one before.

    It says whether all were counted, and if not, how long the full ones stay full. Two of them lock their rows in the
    same order, so they never wait for each other in a circle. Building it takes longer than running it: once will do.
    """
    numbers = range(len(has_mark))
    limited = [_IS_LIMITED.substitute(n=n) if has_mark[n] else "true" for n in numbers]
    counted = [f"EXISTS (SELECT FROM counted_{n})" for n in numbers]
    steps = [
        _STEP.substitute(n=n, condition=f"{counted[n - 1] if n else _NONE_IS_FULL} AND {limited[n]}") for n in numbers
    ]
    full = " OR ".join(_IS_FULL.substitute(n=n, limited=limited[n]) for n in numbers)
    done = " AND ".join(f"({counted[n]} OR NOT {limited[n]})" for n in numbers)
    return HotStatement(text(_WHOLE.substitute(full=full, steps=", ".join(steps), done=done)))


def _counting_on_sqlite(counter: Counter, now: datetime) -> Any:  # noqa: ANN401 - SQLAlchemy's type says less
    counted = insert(ThrottleCounter).values(
        key=counter.key, count=1, expires_at=now + timedelta(seconds=counter.window)
    )
    is_open = _expires_at > now
    return counted.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "count": case((is_open, _count + 1), else_=1),
            "expires_at": case((is_open, _expires_at), else_=counted.excluded.expires_at),
        },
    )


def _marking(key: str, now: datetime, lasting: timedelta) -> Any:  # noqa: ANN401 - as above
    expires_at = now + lasting
    marked = insert(ThrottleCounter).values(key=key, count=1, expires_at=expires_at)
    return marked.on_conflict_do_update(
        index_elements=["key"],
        set_={"expires_at": marked.excluded.expires_at},
        where=_expires_at < expires_at - min(_MARK_AGAIN_AFTER, lasting / 2),
    )
