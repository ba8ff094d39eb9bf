"""`migrate`: the schema that this release needs."""

import asyncio

import typer

from auth_service.cli.configuration import load_settings
from auth_service.cli.failures import failing_clearly
from auth_service.db.engine import Database
from auth_service.db.migrations import upgrade
from auth_service.db.schema_revision import current_revision, head_revision, is_behind
from auth_service.settings import Settings


def run_migrate() -> None:
    """Apply what is missing and say what was done."""
    with failing_clearly():
        before = asyncio.run(migrate(load_settings()))
    head = head_revision()
    if is_behind(before):
        typer.echo(f"The database was {f'at {before}' if before else 'empty'} and is at {head} now.")
    elif before == head:
        typer.echo(f"Up to date: {head}.")
    else:
        typer.echo(f"The database is at {before}, which a newer release made; this one needs {head} and leaves it so.")


async def migrate(settings: Settings) -> str | None:
    """Bring the database to the newest revision, unless it is past that; return the one that it was at."""
    database = Database(settings.database, may_create=True)
    try:
        before = await current_revision(database)
        if is_behind(before):
            await upgrade(database)
        return before
    finally:
        await database.dispose()
