"""Starts the service with one of its guards taken out: `python -m chaos.guards GUARD serve ...`. For controls only."""

import signal
import sys
from enum import StrEnum
from typing import Any

import fastapi

_KEPT_BYTES = 65_536


class Guard(StrEnum):
    """What a control takes out."""

    COMMIT_BEFORE_ANSWER = "commit-before-answer"
    DRAIN = "drain"
    MIGRATION_LOCK = "migration-lock"
    FORGETTING = "forgetting"


def take_out(guard: Guard) -> None:
    """Change this process, before it loads the service, into one that never had the guard."""
    match guard:
        case Guard.COMMIT_BEFORE_ANSWER:
            _commit_after_the_answer()
        case Guard.DRAIN:
            _die_at_once()
        case Guard.MIGRATION_LOCK:
            _migrate_side_by_side()
        case Guard.FORGETTING:
            _keep_something_of_each_request()


def _commit_after_the_answer() -> None:
    """Give every dependency the life that FastAPI gives it by default: it ends when the answer is sent.

    A write that commits by itself is given a transaction, which then ends as late as the others.
    """
    depends = fastapi.Depends

    def without_scope(dependency: Any = None, *, use_cache: bool = True, scope: str | None = None) -> Any:  # noqa: ANN401, ARG001
        return depends(dependency, use_cache=use_cache)

    fastapi.Depends = without_scope  # type: ignore[assignment]

    from auth_service.db.hot_write import HotWrite  # noqa: PLC0415 - the service is loaded by this

    run = HotWrite.run

    async def run_in_transaction(self: HotWrite, session: Any, parameters: Any) -> Any:  # noqa: ANN401
        await session.connection()
        return await run(self, session, parameters)

    HotWrite.run = run_in_transaction  # type: ignore[method-assign]


def _die_at_once() -> None:
    """Leave SIGTERM to the kernel, which ends the process with whatever is in flight."""
    listen = signal.signal

    def listen_to_others(number: int, handler: Any) -> Any:  # noqa: ANN401
        return signal.SIG_DFL if number == signal.SIGTERM else listen(number, handler)

    signal.signal = listen_to_others  # type: ignore[assignment]


def _migrate_side_by_side() -> None:
    """Let every process that migrates believe that it is alone."""
    from sqlalchemy import Connection, TextClause, text  # noqa: PLC0415 - the service is loaded by this

    execute = Connection.execute

    def execute_without_lock(self: Connection, statement: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        if isinstance(statement, TextClause) and "pg_advisory_xact_lock" in statement.text:
            return execute(self, text("SELECT 1"))
        return execute(self, statement, *arguments, **options)

    Connection.execute = execute_without_lock  # type: ignore[method-assign]


def _keep_something_of_each_request() -> None:
    """Leak as a cache does that nothing is ever removed from."""
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle  # noqa: PLC0415 - only where it is leaked

    kept, run = list[bytearray](), RequestResponseCycle.run_asgi

    async def run_and_keep(self: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401
        kept.append(bytearray(_KEPT_BYTES))
        await run(self, app)

    RequestResponseCycle.run_asgi = run_and_keep  # type: ignore[method-assign]


if __name__ == "__main__":
    take_out(Guard(sys.argv.pop(1)))
    from auth_service.__main__ import main

    main()
