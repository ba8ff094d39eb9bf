"""Counts what a request asks of the database."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from tests.support.service import Service


@contextmanager
def statements_of_this_task(service: Service) -> Iterator[list[str]]:
    """Collect every statement that the calling task sends: the service's background work is another task's."""
    engine = service.runtime.database.engine.sync_engine
    task = asyncio.current_task()
    sent: list[str] = []

    def collect(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if asyncio.current_task() is task:
            sent.append(statement)

    event.listen(engine, "before_cursor_execute", collect)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", collect)
