"""Brings the schema to what this release needs (the only importer of Alembic)."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from auth_service.db.engine import Database
from auth_service.db.schema_revision import MIGRATIONS


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration; with a connection, `env.py` uses it instead of opening its own."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
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
