"""A service with a read replica that lags for ever: it has what was stored at first, and nothing that came later."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import event

from auth_service.wiring.runtime import Runtime
from tests.support.database_faults import unusable
from tests.support.databases import Databases
from tests.support.service import Account, Service, running_service
from tests.support.settings import make_settings, new_master_key


@dataclass(frozen=True, slots=True)
class Pair:
    """A primary and its replica; both have an administrator, who is signed in, and an item of theirs."""

    primary: str
    replica: str
    admin: Account
    item_id: UUID
    keys: dict[str, object] = field(repr=False)

    @asynccontextmanager
    async def serving(self, **database: object) -> AsyncIterator[Service]:
        """Start the service over both."""
        groups: dict[str, dict[str, object]] = {
            "security": self.keys,
            "database": {"read_url": self.replica, **database},
        }
        async with running_service(make_settings(self.primary, **groups)) as service:
            yield service


def make_pair(databases: Databases) -> Pair:
    """Fill a primary, then copy it."""
    primary = databases.migrated("postgresql")
    keys: dict[str, object] = {"master_keys": new_master_key()}

    async def fill() -> tuple[Account, UUID]:
        async with running_service(make_settings(primary, security=keys)) as service:
            admin = await service.make_admin()
            return admin, UUID((await service.make_item(admin))["id"])

    admin, item_id = asyncio.run(fill())
    return Pair(primary, databases.copy(primary), admin, item_id, keys)


@asynccontextmanager
async def away(database_url: str) -> AsyncIterator[None]:
    """Let nobody connect to it."""
    with ExitStack() as shut:
        await asyncio.to_thread(shut.enter_context, unusable(database_url))
        yield
        await asyncio.to_thread(shut.close)


@contextmanager
def counting_reads_of_the_replica(runtime: Runtime) -> Iterator[list[str]]:
    """Yield the statements that are sent to the replica."""
    assert runtime.replica is not None
    engine, statements = runtime.replica.database.engine.sync_engine, list[str]()

    def remember(_connection: object, _cursor: object, statement: str, *_more: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", remember)
    yield statements
    event.remove(engine, "before_cursor_execute", remember)
