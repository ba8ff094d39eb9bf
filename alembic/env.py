"""Runs migrations: over the connection that the service hands in, or over one of its own for the `alembic` command."""

import asyncio
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, text

import auth_service.accounts.models
import auth_service.audit.models
import auth_service.authenticators.models
import auth_service.clients.models
import auth_service.items.models
import auth_service.mail.models
import auth_service.oauth.models
import auth_service.tokens.models
import auth_service.users.models  # noqa: F401 - a table is known once its module is imported
from auth_service.db.base import Table
from auth_service.db.limits import without_limits

_LOCK_NUMBER = 0x61757468_6D696772  # "authmigr"


def _render_item(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:  # noqa: ANN401 - Alembic's hook
    """Write the plain type into a migration, so that it does not depend on the libraries that models use."""
    plain = {"AutoString": "String", "UTCDateTime": "DateTime"}
    if kind != "type" or type(item).__name__ not in plain:
        return False
    if type(item).__name__ == "UTCDateTime":
        return "sa.DateTime(timezone=True)"
    return f"sa.String(length={item.length})" if item.length else "sa.String()"


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=_render_item,
        compare_type=True,
        compare_server_default=True,
        transactional_ddl=True,
    )
    with _sqlite_made_safe(connection), context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(without_limits())
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK_NUMBER})
        context.run_migrations()


@contextmanager
def _sqlite_made_safe(connection: Connection) -> Iterator[None]:
    """Let one process at a time migrate a SQLite file, with foreign keys off; PostgreSQL needs neither.

    A batch migration copies a table and drops the old one: with foreign keys on, that drop would cascade.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    path = Path(f"{connection.engine.url.database}.migrate.lock")
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _pragma(connection, "foreign_keys=OFF")
        try:
            yield
        finally:
            _pragma(connection, "foreign_keys=ON")


def _pragma(connection: Connection, setting: str) -> None:
    """Run a PRAGMA outside any transaction, where alone this one has an effect."""
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA {setting}")
    cursor.close()


async def _run_on_own_connection() -> None:
    from auth_service.db.engine import Database  # noqa: PLC0415 - only the `alembic` command comes here
    from auth_service.settings import Settings  # noqa: PLC0415

    if context.is_offline_mode():
        raise CommandError("a migration may have to read what is stored, so there is no --sql here")
    database = Database(Settings().database, may_create=True)
    try:
        async with database.connection() as connection:
            await connection.run_sync(_run)
    finally:
        await database.dispose()


_connection = context.config.attributes.get("connection")
if _connection is None:
    asyncio.run(_run_on_own_connection())
else:
    _run(_connection)
