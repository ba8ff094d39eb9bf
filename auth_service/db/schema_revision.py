"""At which revision the database's schema is, and whether this release can work with it.

It does without Alembic, which migrates: for this one question every process would carry it in memory, 9 MB.
"""

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table

from auth_service.db.engine import Database

_PACKAGE = Path(__file__).resolve().parent.parent
_SHIPPED = _PACKAGE / "_alembic"
_IN_THE_CHECKOUT = _PACKAGE.parent / "alembic"
MIGRATIONS = _SHIPPED if _SHIPPED.is_dir() else _IN_THE_CHECKOUT

_VERSION = table("alembic_version", column("version_num"))


async def current_revision(database: Database) -> str | None:
    """Return the revision that the database is at, or None when it is empty."""

    def read(connection: Connection) -> str | None:
        if not inspect(connection).has_table(_VERSION.name):
            return None
        return connection.scalar(select(_VERSION.c.version_num))

    async with database.transaction(writing=False) as session:
        return await (await session.connection()).run_sync(read)


def is_behind(revision: str | None) -> bool:
    """Say whether a database at `revision` lacks something that this release needs.

    A revision that is not known here is a newer release's. Its migrations are safe while this release still serves, so
    the old replicas go on serving until the new ones are ready.
    """
    return revision is None or (revision in known_revisions() and revision != head_revision())


def head_revision() -> str:
    """Return the newest revision that this release knows."""
    return known_revisions()[-1]


@cache
def known_revisions() -> tuple[str, ...]:
    """Return the revisions of this release, the oldest first: a migration's file begins with its number."""
    return tuple(sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py")))
