"""A database as somebody else handles it: statements, nobody let in, and everything that is stored in it."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy import inspect, literal_column, make_url, select, table, text

from auth_service.db.engine import Database
from auth_service.db.settings import DatabaseSettings


async def execute(database_url: str, *statements: str) -> None:
    database = Database(DatabaseSettings.model_validate({"url": database_url}))
    async with database.transaction(writing=True) as session:
        for statement in statements:
            await (await session.connection()).execute(text(statement))
    await database.dispose()


@contextmanager
def unusable(database_url: str) -> Iterator[None]:
    """Lock the file, or let nobody connect."""
    if database_url.startswith("sqlite"):
        connection = sqlite3.connect(str(make_url(database_url).database), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.close()
        return
    name = make_url(database_url).database
    server = make_url(database_url).set(database="postgres").render_as_string(hide_password=False)
    asyncio.run(_let_connect(server, str(name), "false"))
    yield
    asyncio.run(_let_connect(server, str(name), "true"))


async def _let_connect(server: str, name: str, whether: str) -> None:
    """Let others connect to a database, or end what they have there."""
    connection = await asyncpg.connect(server)
    await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {whether}')
    await connection.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    await connection.close()


async def stored(database_url: str) -> dict[str, str]:
    """Return everything in every table, as text."""
    database = Database(DatabaseSettings.model_validate({"url": database_url}))
    async with database.transaction(writing=False) as session:
        connection = await session.connection()
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        tables = {name: table(name, literal_column("*")) for name in names}
        rows = {name: (await connection.execute(select(tables[name]))).all() for name in names}
    await database.dispose()
    return {name: "\n".join(_as_text(value) for row in each for value in row) for name, each in rows.items()}


def _as_text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
