"""The database's own clock, in SQL: the one clock that all replicas share."""

from datetime import datetime

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel.sql.sqltypes import UTCDateTime


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
