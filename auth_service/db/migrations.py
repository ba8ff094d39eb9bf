"""Brings the schema to what this release needs, and says whether it is there."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from auth_service.db.engine import Database

_PACKAGE = Path(__file__).resolve().parent.parent
_SHIPPED = _PACKAGE / "_alembic"
_IN_THE_CHECKOUT = _PACKAGE.parent / "alembic"


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration; with a connection, `env.py` uses it instead of opening its own."""
    config = Config()
    scripts = _SHIPPED if _SHIPPED.is_dir() else _IN_THE_CHECKOUT
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


async def upgrade(database: Database, revision: str = "head") -> None:
    """Apply every missing migration. Safe when several replicas do it at once: `env.py` takes a lock.

    Raises DatabaseUnavailableError.
    """

    def run(connection: Connection) -> None:
        command.upgrade(alembic_config(connection), revision)

    async with database.connection() as connection:
        await connection.run_sync(run)


async def current_revision(database: Database) -> str | None:
    """Return the revision that the database is at, or None when it is empty."""

    def read(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    async with database.transaction(writing=False) as session:
        return await (await session.connection()).run_sync(read)


def is_behind(revision: str | None) -> bool:
    """Say whether a database at `revision` lacks something that this release needs.

    A revision that is not known here is a newer release's. Its migrations are safe while this release still serves, so
    the old replicas go on serving until the new ones are ready.
    """
    return revision is None or (revision in _known_revisions() and revision != head_revision())


@cache
def head_revision() -> str | None:
    """Return the newest revision that this release knows."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


@cache
def _known_revisions() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions())
