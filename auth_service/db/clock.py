"""The database's own clock, in SQL: the one clock that all replicas share."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel.sql.sqltypes import UTCDateTime

from auth_service.db.session import Session


class database_now(FunctionElement[datetime]):  # noqa: N801 - it is used like SQLAlchemy's `func.now`
    """The time at this moment, not at the start of the transaction."""

    type = UTCDateTime()
    inherit_cache = True


@compiles(database_now)
def _clock_timestamp(_element: database_now, _compiler: SQLCompiler, **_options: object) -> str:
    return "clock_timestamp()"


@compiles(database_now, "sqlite")
def _strftime(_element: database_now, _compiler: SQLCompiler, **_options: object) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


async def read_clock_offset(session: Session, clock: Callable[[], datetime]) -> timedelta:
    """Return by how much `clock` is ahead of the database, at least; nothing that the way there and back explains."""
    asked = clock()
    told = (await (await session.connection()).execute(select(database_now()))).scalar_one()
    answered = clock()
    return max(asked - told, timedelta(0)) or min(answered - told, timedelta(0))
