"""The session type that a unit of work runs in."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel.ext.asyncio.session import AsyncSession

_INSERTIONS = "insertions"
_IS_OVER = "is_over"


class Session(AsyncSession):
    """What is loaded in it stays readable after a commit."""

    @property
    def postgresql(self) -> AsyncEngine | None:
        """The engine, where the driver itself can be asked; None on SQLite."""
        engine = self.bind
        return engine if isinstance(engine, AsyncEngine) and engine.dialect.name != "sqlite" else None

    @property
    def insertions(self) -> Sequence[tuple[Insert, Mapping[str, Any]]]:
        """What `insert_at_commit` was asked for and is not written yet."""
        waiting: Sequence[tuple[Insert, Mapping[str, Any]]] = self.info.get(_INSERTIONS, ())
        return waiting

    def forget_insertions(self) -> None:
        """Take it that all of them are written."""
        self.info.pop(_INSERTIONS, None)

    def end(self) -> None:
        """Take it that this unit of work is committed: nothing more may be written in it."""
        self.info[_IS_OVER] = True

    def insert_at_commit(self, statement: Insert, row: Mapping[str, Any]) -> None:
        """Write a row that nobody in this transaction looks at, without what the ORM needs to keep track of it."""
        if self.info.get(_IS_OVER):
            raise RuntimeError("written after the end: what belongs together is no longer committed together")
        self.info.setdefault(_INSERTIONS, []).append((statement, row))

    async def commit(self) -> None:
        """Write what waits to be written, and commit."""
        for statement, row in self.info.pop(_INSERTIONS, ()):
            await (await self.connection()).execute(statement, row)
        await super().commit()

    async def release(self) -> None:
        """End the transaction and give the connection back, because slow work (a password hash) comes next.

        The next statement begins a new transaction, so what was read before must be asked again before it is acted on.
        Nothing may be waiting to be written: half a use case must not be committed.
        """
        if self.new or self.dirty or self.deleted or self.insertions:
            raise RuntimeError("slow work in the middle of a write: hash first, then change")
        await self.commit()
