"""The session type that a unit of work runs in."""

from sqlmodel.ext.asyncio.session import AsyncSession


class Session(AsyncSession):
    """What is loaded in it stays readable after a commit."""

    async def release(self) -> None:
        """End the transaction and give the connection back, because slow work (a password hash) comes next.

        The next statement begins a new transaction, so what was read before must be asked again before it is acted on.
        Nothing may be waiting to be written: half a use case must not be committed.
        """
        if self.new or self.dirty or self.deleted:
            raise RuntimeError("slow work in the middle of a write: hash first, then change")
        await self.commit()
