"""Transactions that wait for each other."""

import asyncio
from typing import Any

from sqlalchemy import text

from tests.support.service import Service

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def until_done_or_waiting(service: Service, task: asyncio.Task[Any]) -> None:
    """Return when the task has ended, or its transaction waits for a lock of somebody else (PostgreSQL)."""
    async with service.runtime.database.engine.connect() as connection:
        while not task.done() and not (await connection.execute(text(_WAITING))).scalar_one():
            await connection.rollback()  # the view is the same within a transaction
