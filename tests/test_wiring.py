"""Readiness: which schemas this release serves."""

import pytest
from sqlalchemy import text

from tests.support.service import Service, assert_problem, running_service
from tests.support.settings import make_settings


async def _say_it_is_at(service: Service, revision: str | None) -> None:
    async with service.runtime.database.transaction(writing=True) as session:
        connection = await session.connection()
        await connection.execute(text("DELETE FROM alembic_version"))
        if revision is not None:
            await connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


async def test_a_schema_that_is_behind_turns_readiness_red_and_leaves_liveness_green(migrated_database: str) -> None:
    async with running_service(make_settings(migrated_database)) as service:
        await _say_it_is_at(service, None)

        ready, alive = await service.client.get("/readyz"), await service.client.get("/livez")

    assert_problem(ready, 503, code="schema_behind")
    assert alive.status_code == 200


@pytest.mark.parametrize("revision", ["9999"])
async def test_while_a_newer_release_has_migrated_already_this_one_goes_on_serving(
    migrated_database: str, revision: str
) -> None:
    async with running_service(make_settings(migrated_database)) as service:
        await _say_it_is_at(service, revision)

        ready = await service.client.get("/readyz")

    assert (ready.status_code, ready.json()) == (200, {"status": "ok"})
