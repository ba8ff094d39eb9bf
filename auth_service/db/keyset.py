"""Pages by keyset: the next page starts behind the last row seen, so a deep page costs what the first one does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Self, TypeVar

from sqlalchemy import ColumnElement, Subquery, and_, func, or_, tuple_
from sqlalchemy.orm import Mapped
from sqlmodel import select
from sqlmodel.sql.expression import SelectOfScalar

from auth_service.db.hot_statement import Entity, columns_of, detached
from auth_service.db.session import Session
from auth_service.errors import InvalidInputError

MAX_WALKED, MAX_COUNTED = 250, 5_000

Row = TypeVar("Row")
Position = Sequence[str]
Sieve = Callable[[Any], Sequence[ColumnElement[bool]]]


class InvalidPositionError(InvalidInputError):
    """A page was asked for behind a row that this sort order cannot have."""

    code = "invalid_cursor"
    detail = "This cursor is not valid here. Start again from the first page."


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column of a sort order, the attribute that has its value, and how that is read back from a cursor."""

    name: str
    column: Mapped[Any]
    parse: Callable[[str], object]


@dataclass(frozen=True, slots=True)
class SortOrder:
    """A total order of a table's rows: the last key is unique."""

    keys: tuple[SortKey, ...]
    descending: bool = False

    def position_of(self, row: object) -> Position:
        """Where `row` stands in this order."""
        return [str(getattr(row, key.name)) for key in self.keys]

    def behind(self, position: Position) -> ColumnElement[bool]:
        """Say in SQL what comes behind `position`; raises InvalidPositionError."""
        try:
            values = [key.parse(text) for key, text in zip(self.keys, position, strict=True)]
        except ValueError:
            raise InvalidPositionError from None
        columns = tuple_(*(key.column for key in self.keys))
        return columns < tuple_(*values) if self.descending else columns > tuple_(*values)

    def in_terms_of(self, *columns: Any) -> Self:  # noqa: ANN401 - of a table or a subquery
        """Return the same order by columns that have the same values."""
        keys = tuple(replace(key, column=column) for key, column in zip(self.keys, columns, strict=True))
        return replace(self, keys=keys)

    def columns_of(self, entity: Any) -> list[Mapped[Any]]:  # noqa: ANN401 - a table or an alias of one
        """Return the columns of the keys."""
        return [getattr(entity, key.name) for key in self.keys]

    def clauses(self, entity: Any = None) -> list[ColumnElement[Any]]:  # noqa: ANN401 - as above
        """Return the ORDER BY, of the table itself or of an alias of it."""
        columns = [key.column for key in self.keys] if entity is None else self.columns_of(entity)
        return [column.desc() if self.descending else column.asc() for column in columns]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: at most `limit` rows behind `after`; `count` asks for the number of all rows as well."""

    limit: int
    after: Position | None = None
    count: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows there are: exactly, or at least so many, because counting them all would take too long."""

    number: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    """One page: its rows, where the next one starts (None at the end), and the count if it was asked for."""

    rows: Sequence[Row]
    next_position: Position | None
    count: Count | None


async def fetch_slice(
    session: Session, matching: SelectOfScalar[Row], order: SortOrder, page: PageRequest
) -> Slice[Row]:
    """Fetch the page of `matching` (which has no ORDER BY of its own) that `page` asks for."""
    rows = (await session.exec(_behind(matching, order, page).order_by(*order.clauses()).limit(page.limit + 1))).all()
    kept = rows[: page.limit]
    more = len(rows) > page.limit
    count = await count_matching(session, matching) if page.count else None
    return Slice(rows=kept, next_position=order.position_of(kept[-1]) if more else None, count=count)


async def count_matching(session: Session, matching: SelectOfScalar[Row]) -> Count:
    """Count the rows of `matching`, up to MAX_COUNTED."""
    some = matching.limit(MAX_COUNTED + 1).subquery()
    found = (await session.exec(select(func.count()).select_from(some))).one()
    return Count(min(found, MAX_COUNTED), is_exact=found <= MAX_COUNTED)


async def fetch_sifted_slice(
    session: Session, walked: SelectOfScalar[Entity], order: SortOrder, page: PageRequest, sieve: Sieve
) -> Slice[Entity]:
    """Fetch a page of those rows of `walked` that pass the sieve, which no index can help with.

    At most MAX_WALKED rows are looked at, so that nothing that can be asked takes long. The page may be short then, or
    empty, and still say where to go on: the last row that was looked at comes along, whether it passes or not. The rows
    are in no session.
    """
    number = func.row_number().over(order_by=order.clauses()).label("number")
    first = _first(_behind(walked, order, page), order, number)
    passes = and_(*sieve(first.c))
    columns = [*first.c, passes]
    wanted = select(*columns).where(or_(passes, first.c.number == MAX_WALKED))
    statement = wanted.order_by(*order.clauses(first.c)).limit(page.limit + 2)
    found = (await (await session.connection()).execute(statement)).all()
    entity = walked.column_descriptions[0]["entity"]
    rows = [detached(entity, values) for *values, _, passed in found if passed]
    kept, next_position = rows[: page.limit], None
    if len(rows) > page.limit:
        next_position = order.position_of(kept[-1])
    elif found and found[-1].number == MAX_WALKED:
        next_position = order.position_of(found[-1])
    count = await _count_sifted(session, walked, order, sieve) if page.count else None
    return Slice(rows=kept, next_position=next_position, count=count)


async def _count_sifted(session: Session, walked: SelectOfScalar[Any], order: SortOrder, sieve: Sieve) -> Count:
    """Count those that pass among the first MAX_WALKED."""
    first = _first(walked, order)
    statement = select(func.count(), func.count().filter(*sieve(first.c))).select_from(first)
    looked_at, passed = (await (await session.connection()).execute(statement)).one()
    return Count(passed, is_exact=looked_at < MAX_WALKED)


def _first(walked: SelectOfScalar[Any], order: SortOrder, *more: ColumnElement[Any]) -> Subquery:
    """Say in SQL which rows are looked at; the limit keeps the planner from mixing the sieve into the walk."""
    columns = columns_of(walked.column_descriptions[0]["entity"])
    return walked.with_only_columns(*columns, *more).order_by(*order.clauses()).limit(MAX_WALKED).subquery()


def _behind(matching: SelectOfScalar[Row], order: SortOrder, page: PageRequest) -> SelectOfScalar[Row]:
    return matching if page.after is None else matching.where(order.behind(page.after))
