"""Two releases side by side: the older one goes on serving over the newer one's schema, and not the other way round."""

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, text

from auth_service.authz.principal import OPERATOR
from auth_service.db.base import Table
from auth_service.db.engine import Database
from auth_service.db.errors import DatabaseUnavailableError
from auth_service.db.migrations import alembic_config, upgrade
from auth_service.db.schema_revision import current_revision, head_revision, known_revisions
from auth_service.db.settings import DatabaseSettings
from auth_service.settings import Settings
from tests.support.commands import ROOT, Operator
from tests.support.every_route import statuses_of_every_route
from tests.support.ports import free_port
from tests.support.service import Account, Service, assert_problem, bearer, running_service
from tests.support.settings import make_settings, new_master_key

Migrate = Callable[[str], Coroutine[Any, Any, None]]

KEY = new_master_key()
_NEXT_RELEASE = '''
"""Expands: a column in every table, which the older release does not fill, and an index."""

import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{head}"


def upgrade():
    for table in {tables}:
        op.add_column(table, sa.Column("note", sa.String(20), nullable=True))
    op.create_index("ix_items_note", "items", ["note"])
    op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True))
'''


@pytest.fixture
def migrate_to_next_release(tmp_path: Path) -> Migrate:
    """Return what brings a database to the revision of a release that is not there yet."""

    async def migrate(url: str) -> None:
        shutil.copytree(ROOT / "alembic", tmp_path / "alembic")

        def run(connection: Connection) -> None:
            script = _NEXT_RELEASE.format(head=head_revision(), tables=sorted(Table.metadata.tables))
            (tmp_path / "alembic" / "versions" / "next_release.py").write_text(script)
            config = alembic_config(connection)
            config.set_main_option("script_location", str(tmp_path / "alembic"))
            command.upgrade(config, "head")

        database = Database(DatabaseSettings.model_validate({"url": url}))
        while await current_revision(database) != "next":
            with suppress(DatabaseUnavailableError):  # it met what the replica does in the background: then once more
                async with database.connection() as connection:
                    await connection.run_sync(run)
        await database.dispose()

    return migrate


def _settings(url: str) -> Settings:
    return make_settings(url, security={"master_keys": KEY})


async def test_every_route_of_the_older_release_works_over_the_newer_schema(
    migrated_database: str, migrate_to_next_release: Migrate
) -> None:
    async with running_service(_settings(migrated_database)) as service:
        before = await statuses_of_every_route(service)
        await service.empty()
        await migrate_to_next_release(migrated_database)
        ready = await service.client.get("/readyz")
        after = await statuses_of_every_route(service)

    assert ready.json() == {"status": "ok"}
    assert after == before
    assert [route for route, status in after.items() if status >= 500] == []


async def test_what_one_replica_began_before_the_migration_another_goes_on_with_after_it(
    migrated_database: str, migrate_to_next_release: Migrate
) -> None:
    async with AsyncExitStack() as exits:
        old = await exits.enter_async_context(running_service(_settings(migrated_database)))
        user, leaver = await old.make_user(), await old.make_user()
        titles = [(await old.make_item(user, title=f"Bicycle {number}"))["title"] for number in range(4)]
        first = (await old.client.get("/items?limit=2", headers=bearer(user))).json()
        feed = (await old.client.get("/oauth/revocations")).text
        await migrate_to_next_release(migrated_database)
        await _write_as_the_newer_release(migrated_database)
        restarted = await exits.enter_async_context(running_service(_settings(migrated_database)))
        cursor = {"limit": "2", "cursor": first["next_cursor"]}
        second = (await restarted.client.get("/items", params=cursor, headers=bearer(user))).json()
        await _sign_out(restarted, leaver)
        refused = await old.client.get("/users/me", headers=bearer(leaver))
        refreshed = await restarted.client.post(
            "/oauth/token", data={"grant_type": "refresh_token", "refresh_token": user.refresh_token}
        )
        later = (await old.client.get("/oauth/revocations")).text
        keys = await _rotate(restarted, old)

    assert sorted(item["title"] for item in first["data"] + second["data"]) == titles
    assert (refused.status_code, refreshed.status_code) == (401, 200)
    assert later != feed
    assert keys[0] == keys[1]


async def _write_as_the_newer_release(url: str) -> None:
    database = Database(DatabaseSettings.model_validate({"url": url}))
    async with database.transaction(writing=True) as session:
        for table in ("users", "items", "sessions", "signing_keys"):
            await (await session.connection()).execute(text(f"UPDATE {table} SET note = 'seen'"))  # noqa: S608 - ours
    await database.dispose()


async def _sign_out(service: Service, account: Account) -> None:
    answer = await service.client.delete(f"/users/me/sessions/{account.session_id}", headers=bearer(account))
    assert answer.status_code == 204


async def _rotate(one: Service, other: Service) -> list[set[str]]:
    """Make a new signing key at one, and return which keys each of the two publishes."""
    async with one.runtime.unit_of_work(writing=True) as work:
        await work.key_rotation.rotate(OPERATOR, emergency=True)
    for service in (one, other):
        await service.runtime.tend_keys()
    return [set(service.runtime.keys.published) for service in (one, other)]


def test_the_older_release_starts_and_leaves_the_schema_as_it_is(
    operator: Operator, migrated_database: str, migrate_to_next_release: Migrate
) -> None:
    asyncio.run(migrate_to_next_release(migrated_database))
    changes = {"AUTH_DATABASE__URL": migrated_database}

    migrated = operator.run("migrate", **changes)
    with operator.start("serve", "--port", str(free_port()), **changes) as program:
        program.ready("service.ready")
        outcome = program.stop(15)

    assert (migrated.code, outcome.code) == (0, 0)
    assert "which a newer release made" in migrated.stdout


def test_a_schema_that_is_one_revision_behind_is_refused(operator: Operator, empty_database: str) -> None:
    async def migrate_almost() -> None:
        database = Database(DatabaseSettings.model_validate({"url": empty_database}), may_create=True)
        await upgrade(database, known_revisions()[-2])
        async with running_service(_settings(empty_database)) as service:
            assert_problem(await service.client.get("/readyz"), 503, code="schema_behind")
        await database.dispose()

    asyncio.run(migrate_almost())
    outcome = operator.run("serve", AUTH_DATABASE__URL=empty_database)

    assert (outcome.code, outcome.stderr.count("auth-service migrate")) == (2, 1)
