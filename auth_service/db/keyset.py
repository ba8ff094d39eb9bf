"""Pages by keyset: the next page starts behind the last row seen, so a deep page costs what the first one does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, func, tuple_
from sqlalchemy.orm import Mapped
from sqlmodel import select
from sqlmodel.sql.expression import SelectOfScalar

from auth_service.db.session import Session
from auth_service.errors import InvalidInputError

Row = TypeVar("Row")
Position = Sequence[str]


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

    def clauses(self) -> list[ColumnElement[Any]]:
        """Return the ORDER BY."""
        return [key.column.desc() if self.descending else key.column.asc() for key in self.keys]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: at most `limit` rows behind `after`; `count` asks for the number of all rows as well."""

    limit: int
    after: Position | None = None
    count: bool = False


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    """One page: its rows, where the next one starts (None at the end), and the count if it was asked for."""

    rows: Sequence[Row]
    next_position: Position | None
    count: int | None


async def fetch_slice(
    session: Session, matching: SelectOfScalar[Row], order: SortOrder, page: PageRequest
) -> Slice[Row]:
    """Fetch the page of `matching` (which has no ORDER BY of its own) that `page` asks for."""
    statement = matching.order_by(*order.clauses()).limit(page.limit + 1)
    if page.after is not None:
        statement = statement.where(order.behind(page.after))
    rows = (await session.exec(statement)).all()
    kept = rows[: page.limit]
    more = len(rows) > page.limit
    count = await session.scalar(select(func.count()).select_from(matching.subquery())) if page.count else None
    return Slice(rows=kept, next_position=order.position_of(kept[-1]) if more else None, count=count)
