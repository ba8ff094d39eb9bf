"""What the most frequent use cases end with: a write that takes everything else that is to be written along.

A transaction is a round trip to begin, one for each row, and one to commit: for an item and the event that says who
made it, more than all the rest of the request.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import CTE, Insert, bindparam, exists, select
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from auth_service.db.hot_statement import HotStatement
from auth_service.db.session import Session

_Insertion = tuple[Insert, tuple[str, ...]]
"""What inserts a row, and the columns that the row has."""


class HotWrite:
    """A statement that writes one row and returns it.

    On PostgreSQL it is one statement with all that waits to be written, which does all of it or nothing. If it is the
    first of its transaction, too, then it needs none and commits by itself: so it comes last in a use case.
    """

    def __init__(self, statement: ReturningInsert[Any] | ReturningUpdate[Any]) -> None:
        """Prepare `statement`, whose parameters are named."""
        self._statement = statement
        self._together: dict[tuple[_Insertion, ...], HotStatement] = {}

    async def run(self, session: Session, parameters: Mapping[str, object]) -> Sequence[Any] | None:
        """Return the row; None when there was none to change, and then nothing was written."""
        engine = session.postgresql
        if engine is None:
            connection = await session.connection()
            row: Sequence[Any] | None = (await connection.execute(self._statement, parameters)).one_or_none()
            return row
        everything = dict(parameters)
        for number, (_, waiting) in enumerate(session.insertions):
            everything |= {_numbered(name, number): value for name, value in waiting.items()}
        together = self._with(tuple((insertion, tuple(waiting)) for insertion, waiting in session.insertions))
        if session.in_transaction():
            row = await together.find_within(session, **everything)
        else:
            row = await together.run_once(engine, **everything)
            session.end()
        if row is not None:
            session.forget_insertions()
        return row

    def _with(self, insertions: tuple[_Insertion, ...]) -> HotStatement:
        """Return the statement that does all of it; it is put together once, which takes longer than running it."""
        if insertions not in self._together:
            written = self._statement.cte("written")
            inserted = [_after(written, *insertion, number) for number, insertion in enumerate(insertions)]
            self._together[insertions] = HotStatement(select(written).add_cte(*inserted))
        return self._together[insertions]


def _after(written: CTE, insertion: Insert, names: Sequence[str], number: int) -> CTE:
    """Return the insertion of one row, of these columns, that is inserted only if there is something in `written`."""
    values = [bindparam(_numbered(name, number), type_=insertion.table.columns[name].type) for name in names]
    row = select(*values).where(exists().select_from(written))
    return insertion.from_select(names, row).cte(f"inserted_{number}")


def _numbered(name: str, number: int) -> str:
    return f"{name}_of_{number}"
