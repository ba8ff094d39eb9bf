"""The session type that a unit of work runs in."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Insert, Update
from sqlmodel.ext.asyncio.session import AsyncSession

_WRITES = "writes"


class Session(AsyncSession):
    """What is loaded in it stays readable after a commit."""

    @property
    def has_writes(self) -> bool:
        """Whether `write_at_commit` was asked for something that is not written yet."""
        return bool(self.info.get(_WRITES))

    def write_at_commit(self, statement: Insert | Update, parameters: Mapping[str, Any]) -> None:
        """Write what nobody in this transaction looks at, without what the ORM needs to keep track of it."""
        self.info.setdefault(_WRITES, []).append((statement, parameters))

    async def commit(self) -> None:
        """Write what waits to be written, and commit."""
        for statement, parameters in self.info.pop(_WRITES, ()):
            await (await self.connection()).execute(statement, parameters)
        await super().commit()

    async def release(self) -> None:
        """End the transaction and give the connection back, because slow work (a password hash) comes next.

        The next statement begins a new transaction, so what was read before must be asked again before it is acted on.
        Nothing may be waiting to be written: half a use case must not be committed.
        """
        if self.new or self.dirty or self.deleted or self.has_writes:
            raise RuntimeError("slow work in the middle of a write: hash first, then change")
        await self.commit()
