"""Statements that go to the driver itself, around the ORM: the few that almost every request consists of.

On PostgreSQL the ORM takes eight times as long for one row as the driver: it is the larger part of such a request. What
a statement asks is still written once, with the tables' own columns, and SQLite answers it in the ordinary way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    LargeBinary,
    Numeric,
    Select,
    String,
    TextClause,
    Uuid,
)
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi, PGDialect_asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.orm import class_mapper, make_transient_to_detached
from sqlalchemy.types import TypeDecorator
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from auth_service.db.base import Table
from auth_service.db.liveness import asking
from auth_service.db.session import Session
from auth_service.db.types import Money

_PATIENCE_SECONDS = 2
"""How long an answer that takes a millisecond is waited for; then the server counts as away."""

_NATIVE = (Boolean, DateTime, Integer, JSON, LargeBinary, Numeric, String, Uuid)
"""Types whose values the driver makes as the ORM would: times are aware and in UTC, amounts are exact, JSON is read."""

_SAME_FOR_THE_DRIVER = (AutoString, Money, UTCDateTime)
"""Types that say more to SQLite only."""

_LOST = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InternalClientError,  # what the driver says when the server's farewell came before the question
)

Entity = TypeVar("Entity", bound=Table)


class HotStatement:
    """A statement that gives one row at most. It is SQL as text, or a SELECT whose columns need nothing of the ORM."""

    def __init__(self, statement: Select[*tuple[Any, ...]] | TextClause) -> None:
        """Prepare `statement`, whose parameters are named; raises TypeError for a column that needs the ORM."""
        for column in () if isinstance(statement, TextClause) else statement.selected_columns:
            decorated = isinstance(column.type, TypeDecorator) and not isinstance(column.type, _SAME_FOR_THE_DRIVER)
            if decorated or not isinstance(column.type, (*_NATIVE, *_SAME_FOR_THE_DRIVER)):
                message = f"{column} is not of a type that the driver returns as it is"
                raise TypeError(message)
        self._statement = statement

    async def find(self, session: Session, **parameters: object) -> Sequence[Any] | None:
        """Return the row, or None, as `session` sees it; for what changes nothing and locks nothing.

        Outside a transaction it comes by a connection that is given back at once: who goes on to write opens the
        transaction afterwards, and never holds one connection while waiting for a second.
        """
        engine = session.postgresql
        if engine is None or session.in_transaction():
            return await self.find_within(session, **parameters)
        return await self.run(engine, **parameters)

    async def find_within(self, session: Session, **parameters: object) -> Sequence[Any] | None:
        """Return the row, or None, within the transaction of `session`, which begins if it has not: for what locks."""
        connection = await session.connection()
        if connection.dialect.name == "sqlite":
            found: Sequence[Any] | None = (await connection.execute(self._statement, parameters)).one_or_none()
            return found
        return await self._row_of(connection, parameters)

    async def run(self, engine: AsyncEngine, **parameters: object) -> Sequence[Any] | None:
        """Return the row, or None, outside any transaction, on PostgreSQL; what it changes is committed by itself.

        When the connection is lost before the answer comes it runs once more: it has to bear that.
        """
        return await _fetch(engine, self._compiled.text, self._compiled.arguments(parameters))

    async def run_once(self, engine: AsyncEngine, **parameters: object) -> Sequence[Any] | None:
        """Return the same of a statement that must not run a second time, and that may wait for somebody's lock."""
        return await _fetch(engine, self._compiled.text, self._compiled.arguments(parameters), once=True)

    async def _row_of(self, connection: AsyncConnection, parameters: Mapping[str, object]) -> Sequence[Any] | None:
        arguments = tuple(self._compiled.arguments(parameters))
        return (await connection.exec_driver_sql(self._compiled.text, arguments)).one_or_none()

    @cached_property
    def _compiled(self) -> "_Compiled":
        dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
        compiled = self._statement.compile(dialect=dialect)
        names = tuple(compiled.positiontup or ())
        types = [compiled.binds[name].type.dialect_impl(dialect) for name in names]
        return _Compiled(str(compiled), names, [each.bind_processor(dialect) for each in types])


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement in the driver's words, its parameters in their order, and what makes the driver's values of them."""

    text: str
    names: Sequence[str]
    processors: Sequence[Callable[[Any], Any] | None]

    def arguments(self, parameters: Mapping[str, object]) -> list[object]:
        each = zip(self.names, self.processors, strict=True)
        return [process(parameters[name]) if process else parameters[name] for name, process in each]


async def _fetch(
    engine: AsyncEngine, text: str, parameters: Sequence[object], *, once: bool = False
) -> Sequence[Any] | None:
    """Ask once more when the connection was lost meanwhile, unless `once`, but not when nothing answers."""
    try:
        if once:
            return await _ask(engine, text, parameters, patience=None)
        try:
            with asking(always=False):
                return await _ask(engine, text, parameters, patience=_PATIENCE_SECONDS)
        except _LOST:
            with asking(always=True):
                return await _ask(engine, text, parameters, patience=_PATIENCE_SECONDS)
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError(text, None, error, hide_parameters=True) from error
    except (asyncpg.PostgresError, AsyncAdapt_asyncpg_dbapi.Error) as error:
        raise DBAPIError(text, None, error, hide_parameters=True) from error
    except asyncpg.InternalClientError as error:  # the connection heard a farewell
        raise DBAPIError(text, None, error, hide_parameters=True, connection_invalidated=True) from error


async def _ask(
    engine: AsyncEngine, text: str, parameters: Sequence[object], *, patience: float | None
) -> Sequence[Any] | None:
    lent = await engine.raw_connection()
    driver: asyncpg.Connection[asyncpg.Record] = lent.driver_connection
    try:
        row: asyncpg.Record | None = await driver.fetchrow(text, *parameters, timeout=patience)
    except asyncpg.InterfaceError as error:
        if driver.is_closed():
            raise DBAPIError(text, None, error, hide_parameters=True, connection_invalidated=True) from error
        raise
    except asyncpg.PostgresError:
        raise  # the connection is as good as it was
    except BaseException:
        driver.terminate()  # whatever state it is in, nobody gets it again
        raise
    finally:
        lent.close()
    return row


def columns_of(entity: type[Table]) -> Sequence[ColumnElement[Any]]:
    """Return the columns that `detached` takes, in its order."""
    return class_mapper(entity, configure=False).local_table.c.values()


def detached(entity: type[Entity], values: Sequence[Any]) -> Entity:
    """Return a whole row of `entity` as the ORM would have made it; it is in no session, so changes are not stored."""
    mapper = class_mapper(entity)
    instance: Entity = mapper.class_manager.new_instance()
    instance.__dict__.update(zip(mapper.local_table.c.keys(), values, strict=True))
    make_transient_to_detached(instance)
    return instance
