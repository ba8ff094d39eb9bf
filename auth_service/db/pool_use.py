"""How much of the pool of connections is in use."""

from dataclasses import dataclass
from typing import cast

from sqlalchemy import QueuePool

from auth_service.db.engine import Database


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Connections: those that somebody works with now, and those that are open and idle."""

    in_use: int
    idle: int


def use_of_pool(database: Database) -> PoolUse:
    """Return it, from any thread: these are numbers in memory."""
    pool = cast("QueuePool", database.engine.pool)
    return PoolUse(pool.checkedout(), pool.checkedin())
