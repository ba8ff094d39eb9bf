"""The SQL statements that the service sends while a test watches."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from auth_service.db import hot_statement
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

    with _noting(service, note):
        yield sent


@contextmanager
def watched_statements(service: Service) -> Iterator[list[Statement]]:
    """Collect every statement of this task but those that begin a transaction; background work is another task's."""
    task = asyncio.current_task()
    seen: list[Statement] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        if asyncio.current_task() is task and not statement.startswith("BEGIN"):
            seen.append(Statement(statement, parameters))

    with _noting(service, note):
        yield seen


@contextmanager
def _noting(service: Service, note: Callable[..., None]) -> Iterator[None]:
    """Tell `note` of every statement, those too that go to the driver itself."""
    sync_engine = service.runtime.database.engine.sync_engine
    fetch = hot_statement._fetch

    async def noted_fetch(
        engine: AsyncEngine, text: str, parameters: Sequence[object], *, once: bool = False
    ) -> Sequence[Any] | None:
        note(None, None, text, tuple(parameters))
        return await fetch(engine, text, parameters, once=once)

    event.listen(sync_engine, "before_cursor_execute", note)
    hot_statement._fetch = noted_fetch
    try:
        yield
    finally:
        hot_statement._fetch = fetch
        event.remove(sync_engine, "before_cursor_execute", note)
