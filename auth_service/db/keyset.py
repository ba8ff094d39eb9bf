"""Pages by keyset: the next page starts behind the last row seen, so a deep page costs what the first one does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Self, TypeVar

from sqlalchemy import ColumnElement, func, tuple_
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import select
from sqlmodel.sql.expression import SelectOfScalar

from auth_service.db.session import Session
from auth_service.errors import InvalidInputError

MAX_WALKED, MAX_COUNTED = 500, 5_000

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

    def reaching(self, values: Sequence[object]) -> ColumnElement[bool]:
        """Say in SQL what comes no later than a row with these keys."""
        columns = tuple_(*(key.column for key in self.keys))
        return columns >= tuple_(*values) if self.descending else columns <= tuple_(*values)

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
    session: Session, walked: SelectOfScalar[Row], order: SortOrder, page: PageRequest, sieve: Sieve
) -> Slice[Row]:
    """Fetch a page of those rows of `walked` that pass the sieve, which no index can help with.

    At most MAX_WALKED rows are looked at, so that nothing that can be asked takes long. The page may be short then, or
    empty, and still say where to go on.
    """
    rest = _behind(walked, order, page)
    keys = order.columns_of(walked.column_descriptions[0]["entity"])
    last = rest.with_only_columns(*keys).order_by(*order.clauses()).offset(MAX_WALKED - 1).limit(1)
    end = (await (await session.connection()).execute(last)).one_or_none()
    if end is not None:  # said by its keys: whoever comes or goes meanwhile, nobody is left out
        rest = rest.where(order.reaching(end))
    rows = await _sift(session, rest, order, sieve, page.limit + 1)
    kept = rows[: page.limit]
    next_position: Position | None = [str(value) for value in end] if end is not None else None
    if len(rows) > page.limit:
        next_position = order.position_of(kept[-1])
    count = await _count_sifted(session, walked, order, sieve) if page.count else None
    return Slice(rows=kept, next_position=next_position, count=count)


async def _sift(
    session: Session, walked: SelectOfScalar[Row], order: SortOrder, sieve: Sieve, at_most: int
) -> Sequence[Row]:
    """Return the first rows of `walked` that pass. The offset keeps the planner from mixing the sieve into the walk."""
    table = walked.column_descriptions[0]["entity"]
    entity = aliased(table, walked.order_by(*order.clauses()).offset(0).subquery())
    return (
        await session.exec(select(entity).where(*sieve(entity)).order_by(*order.clauses(entity)).limit(at_most))
    ).all()


def _behind(matching: SelectOfScalar[Row], order: SortOrder, page: PageRequest) -> SelectOfScalar[Row]:
    return matching if page.after is None else matching.where(order.behind(page.after))


async def _count_sifted(session: Session, walked: SelectOfScalar[Any], order: SortOrder, sieve: Sieve) -> Count:
    """Count those that pass among the first MAX_WALKED."""
    first = walked.order_by(*order.clauses()).limit(MAX_WALKED).subquery()
    entity = aliased(walked.column_descriptions[0]["entity"], first)
    statement = select(func.count(), func.count().filter(*sieve(entity))).select_from(entity)
    looked_at, passed = (await session.exec(statement)).one()
    return Count(passed, is_exact=looked_at < MAX_WALKED)
