"""Many clients at work at once, and what they have seen so far."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from chaos.clients import Client
from chaos.ledger import Ledger
from chaos.timeline import Seen, Timeline

_LOOK_SECONDS = 0.05
_SETTLE_SECONDS = 120.0


class Load:
    """What so many clients see."""

    def __init__(self, clients: int) -> None:
        self.seen: list[Seen] = []
        self._clients = clients
        self._began = time.monotonic()

    def timeline(self, *, since: float | None = None) -> Timeline:
        """Return what was seen from this moment, or from the beginning, to now."""
        now = time.monotonic()
        since = self._began if since is None else since
        return Timeline(list(self.seen), since, now).between(since, now)

    async def until_everybody_writes(self) -> None:
        """Return when each client has begun a write after now that was acknowledged.

        Raises TimeoutError when one of them does not get there in two minutes.
        """
        since, writing = time.monotonic(), set[int]()
        known = len(self.seen)
        async with asyncio.timeout(_SETTLE_SECONDS):
            while len(writing) < self._clients:
                await asyncio.sleep(_LOOK_SECONDS)
                new, known = self.seen[known:], len(self.seen)
                writing |= {each.client for each in new if each.is_acknowledged and each.began > since}


@asynccontextmanager
async def loading(url: str, folder: Path, *, clients: int, pause_seconds: float = 0.02) -> AsyncIterator[Load]:
    """Let clients write to `url`, with their ledgers in `folder`, until the block ends."""
    load = Load(clients)
    with ExitStack() as ledgers:
        async with asyncio.TaskGroup() as group:
            members = []
            for number in range(clients):
                ledger = ledgers.enter_context(Ledger(folder, f"client-{number:02}"))
                members.append(Client(number, url, ledger, load.seen.append, pause_seconds=pause_seconds))
                group.create_task(members[-1].run())
            try:
                await load.until_everybody_writes()
                yield load
            finally:
                for member in members:
                    member.stop()
