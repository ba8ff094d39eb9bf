"""Fills a migrated PostgreSQL with as many users as wanted, and with what they leave behind: a town to measure in.

    .venv/bin/python -m benchmarks.population DATABASE_URL USERS

The server makes the rows itself. Ids are UUIDv7 in the order of time, over three years; names and domains are skewed as
people's are; everything is the same at every run but for the dates. Indexes are taken away before and come back after,
as they were. Everybody's password is `PASSWORD`.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from pydantic import SecretStr

from auth_service.security.passwords import PasswordHasher
from auth_service.security.settings import HashingSettings
from benchmarks.installation import PASSWORD
from benchmarks.population_tables import FUNCTIONS, TABLES

CHUNK = 250_000
TABLE_NAMES = tuple(dict.fromkeys(table.name for table in TABLES))
Tell = Callable[[str], None]

_CONSTRAINTS = """
SELECT conname AS name, conrelid::regclass::text AS table, contype::text AS kind,
    pg_get_constraintdef(oid) AS definition
FROM pg_constraint
WHERE contype IN ('p', 'u', 'f') AND (conrelid = ANY($1::regclass[]) OR confrelid = ANY($1::regclass[]))
"""
_INDEXES = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index WHERE indrelid = ANY($1::regclass[])
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
"""


@dataclass(frozen=True, slots=True)
class Filled:
    """How long it took to fill a database, and how large it is."""

    seconds: float
    megabytes: float


async def fill(connection: "asyncpg.Connection", users: int, tell: Tell) -> Filled:
    """Fill the tables, analyse them, and `tell` how it goes."""
    began = time.monotonic()
    await connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
    await connection.execute(FUNCTIONS)
    password_hash = await _hash()
    async with _without_indexes(connection, tell):
        for table in TABLES:
            rows = int(users * table.per_user) if table.per_user else table.rows
            for start in range(1, rows + 1, CHUNK):
                end = min(start + CHUNK - 1, rows)
                await connection.execute(table.insert, start, end, users, rows, password_hash)
                tell(f"{users:,} users: {table.what} {end:,} of {rows:,}")
    await connection.execute("UPDATE revocation_counter SET seq = (SELECT max(seq) FROM revocations)")
    tell(f"{users:,} users: VACUUM ANALYZE")
    await connection.execute("VACUUM ANALYZE")
    size = await connection.fetchval("SELECT pg_database_size(current_database())")
    return Filled(time.monotonic() - began, size / 1e6)


async def describe_schema(connection: "asyncpg.Connection") -> frozenset[tuple[str, str]]:
    """Return the names and definitions of all constraints and indexes of the tables that are filled."""
    rows = [*await connection.fetch(_CONSTRAINTS, TABLE_NAMES), *await connection.fetch(_INDEXES, TABLE_NAMES)]
    return frozenset((row["name"], row["definition"]) for row in rows)


@asynccontextmanager
async def _without_indexes(connection: "asyncpg.Connection", tell: Tell) -> AsyncIterator[None]:
    """Take indexes and constraints away, and put the very same back: sorting once is faster than a million inserts.

    Raises RuntimeError when the schema is not what it was.
    """
    before = await describe_schema(connection)
    constraints = await connection.fetch(_CONSTRAINTS, TABLE_NAMES)
    indexes = await connection.fetch(_INDEXES, TABLE_NAMES)
    by_need = sorted(constraints, key=lambda row: "puf".index(row["kind"]))  # foreign keys need the others
    for row in reversed(by_need):
        await connection.execute(f'ALTER TABLE {row["table"]} DROP CONSTRAINT "{row["name"]}"')
    for row in indexes:
        await connection.execute(f"DROP INDEX {row['name']}")
    yield
    for row in by_need:
        tell(f"constraint {row['name']}")
        await connection.execute(f'ALTER TABLE {row["table"]} ADD CONSTRAINT "{row["name"]}" {row["definition"]}')
    for row in indexes:
        tell(f"index {row['name']}")
        await connection.execute(row["definition"])
    if await describe_schema(connection) != before:
        raise RuntimeError("the indexes are not what they were: drop this database")


async def _hash() -> str:
    """Return one hash for all: what a sign-in costs does not depend on how many have the same."""
    hasher = PasswordHasher(HashingSettings())
    try:
        return await hasher.hash(SecretStr(PASSWORD))
    finally:
        hasher.close()


async def _main(url: str, users: int) -> None:
    connection = await asyncpg.connect(url)
    filled = await fill(connection, users, lambda line: print(f"\r\x1b[K{line}", end="", flush=True))
    print(f"\r\x1b[K{users:,} users in {filled.seconds:.0f} s, {filled.megabytes:,.0f} MB")
    await connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="postgresql://..., migrated, without users but the first administrator")
    parser.add_argument("users", type=int)
    arguments = parser.parse_args()
    asyncio.run(_main(arguments.url, arguments.users))
