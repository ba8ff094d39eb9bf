"""The SQL statements that the service sends while a test watches."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from tests.support.service import Service


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as the driver gets it."""

    text: str
    parameters: Any


@contextmanager
def every_statement(service: Service) -> Iterator[list[str]]:
    """Collect every statement, whichever task sends it."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    engine = service.runtime.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


@contextmanager
def watched_statements(service: Service) -> Iterator[list[Statement]]:
    """Collect every statement of this task but those that begin a transaction; background work is another task's."""
    task = asyncio.current_task()
    seen: list[Statement] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        if asyncio.current_task() is task and not statement.startswith("BEGIN"):
            seen.append(Statement(statement, parameters))

    engine = service.runtime.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
