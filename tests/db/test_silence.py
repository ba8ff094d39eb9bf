"""The watch over a server that may fall silent, where the server is well."""

import asyncio
import gc
from typing import Any

import pytest
from sqlalchemy import text

from auth_service.db import silence
from auth_service.db.engine import Database
from tests.support.settings import make_settings


async def test_a_question_that_is_under_way_when_the_process_stops_leaves_nothing_behind(
    migrated_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "_NOTICEABLE_SECONDS", 0)
    monkeypatch.setattr(silence, "_LOOK_SECONDS", 0)
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))

    for steps in [*range(15)] * 4:  # the question is at another point each time
        database = Database(make_settings(migrated_database).database)
        async with database.transaction(writing=False) as session:
            await (await session.connection()).execute(text("SELECT 1"))
        for _ in range(steps):
            await asyncio.sleep(0)
        await database.dispose()
    gc.collect()
    await asyncio.sleep(0)

    assert complaints == []
