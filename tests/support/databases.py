"""Databases for the tests: both kinds, migrated, each empty at the start."""

import asyncio
import itertools
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from auth_service.db.engine import Database
from auth_service.db.migrations import upgrade
from auth_service.db.settings import DatabaseSettings

KINDS = ("sqlite", "postgresql")
_TEMPLATE = "auth_service_template"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Databases:
    """Makes databases; `postgresql` is the URL of a server, None where there is none."""

    folder: Path
    postgresql: str | None

    def empty(self, kind: str) -> str:
        """Return the URL of a new database without a schema."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        if kind == "sqlite":
            return f"sqlite:///{self.folder}/{name}.db"
        return self._create(name)

    def migrated(self, kind: str) -> str:
        """Return the URL of a new database with the newest schema; cheap, because it copies a template."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        if kind == "sqlite":
            template = self.folder / "template.db"
            if not template.exists():
                _migrate(f"sqlite:///{template}")
            shutil.copy(template, self.folder / f"{name}.db")
            return f"sqlite:///{self.folder}/{name}.db"
        template_name = f"{_TEMPLATE}_{os.getpid()}"
        if not asyncio.run(self._exists(template_name)):
            _migrate(self._create(template_name))
        return self._create(name, template=template_name)

    def copy(self, url: str) -> str:
        """Return the URL of a copy of a PostgreSQL database, which nobody may be connected to meanwhile."""
        return self._create(f"test_{os.getpid()}_{next(_numbers)}", template=str(make_url(url).database))

    def drop_all(self) -> None:
        """Drop what this process made on the server."""
        if self.postgresql is not None:
            asyncio.run(self._drop_all())

    def _create(self, name: str, template: str = "template1") -> str:
        asyncio.run(self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        return make_url(str(self.postgresql)).set(database=name).render_as_string(hide_password=False)

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.postgresql)
        await connection.execute(statement)
        await connection.close()

    async def _exists(self, name: str) -> bool:
        connection = await asyncpg.connect(self.postgresql)
        found = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name)
        await connection.close()
        return found is not None

    async def _drop_all(self) -> None:
        connection = await asyncpg.connect(self.postgresql)
        pattern = f"%\\_{os.getpid()}%"
        for row in await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE $1", pattern):
            await connection.execute(f'DROP DATABASE IF EXISTS "{row["datname"]}" WITH (FORCE)')
        await connection.close()


def _migrate(url: str) -> None:
    async def run() -> None:
        database = Database(DatabaseSettings.model_validate({"url": url}), may_create=True)
        await upgrade(database)
        await database.dispose()

    asyncio.run(run())
