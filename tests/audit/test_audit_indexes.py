"""At fifty thousand events every question that can be asked goes by an index: PostgreSQL's own plan says so."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from tests.support.databases import Databases
from tests.support.service import Account, Service, bearer, running_service
from tests.support.settings import make_settings
from tests.support.statements import watched_statements

_EVENTS = """
INSERT INTO audit_events (id, occurred_at, event, outcome, actor_id, subject_id, network, detail)
SELECT lpad(to_hex(n), 32, '0')::uuid, timestamptz '2026-01-01' + n * interval '1 minute',
       CASE WHEN n % 1000 = 0 THEN 'user.deleted' ELSE 'refresh' END, 'success',
       lpad(to_hex(n % 500), 32, '0')::uuid, lpad(to_hex(n % 499), 32, '0')::uuid, '10.0.' || n % 250 || '.1', '{}'
FROM generate_series(1, 50000) AS n
"""


@pytest.fixture(scope="module")
def postgresql(databases: Databases) -> str:
    """Return the URL of a database that is only PostgreSQL's: SQLite has no plans of this kind."""
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    return databases.migrated("postgresql")


@pytest.fixture(scope="module")
async def history(postgresql: str) -> AsyncIterator[tuple[Service, Account]]:
    """The service with fifty thousand events, of which an administrator has a hundred."""
    async with running_service(make_settings(postgresql)) as service:
        administrator = await service.make_admin()
        async with service.runtime.database.engine.begin() as connection:
            await connection.execute(text(_EVENTS))
            mine = {"me": administrator.id}
            await connection.execute(
                text("UPDATE audit_events SET actor_id = :me WHERE actor_id::text LIKE '%07'"), mine
            )
        async with service.runtime.database.engine.begin() as connection:
            await connection.execute(text("ANALYZE"))
        yield service, administrator


@pytest.mark.parametrize(
    ("path", "indexes"),
    [
        pytest.param("/audit-events", ["occurred_at"], id="the newest"),
        pytest.param("/audit-events?occurred_before=2026-01-10T00:00:00Z", ["occurred_at"], id="before a time"),
        pytest.param(f"/audit-events?actor_id={11:032x}", ["actor_id_occurred_at"], id="of an actor"),
        pytest.param(f"/audit-events?subject_id={11:032x}", ["subject_id_occurred_at"], id="of a subject"),
        pytest.param("/audit-events?event=user.deleted", ["event_occurred_at"], id="of a rare kind"),
        pytest.param("/audit-events?network=10.0.7.1", ["network_occurred_at"], id="from a network"),
        pytest.param("/users/me/audit-events", ["subject_id_occurred_at", "actor_id_occurred_at"], id="around oneself"),
    ],
)
@pytest.mark.parametrize("is_first_page", [True, False], ids=["first page", "second page"])
async def test_a_page_goes_by_its_index(
    history: tuple[Service, Account], path: str, indexes: list[str], *, is_first_page: bool
) -> None:
    service, administrator = history
    query: dict[str, str] = {}
    if not is_first_page:
        first = await service.client.get(path, headers=bearer(administrator))
        _, _, filters = path.partition("?")
        query = {**dict([filters.split("=")] if filters else []), "cursor": first.json()["next_cursor"]}

    with watched_statements(service) as statements:
        response = await service.client.get(
            path.partition("?")[0] if query else path, headers=bearer(administrator), params=query or None
        )

    assert response.status_code == 200
    assert response.json()["data"]
    asked = [one for one in statements if "FROM audit_events" in one.text]
    assert len(asked) == len(indexes)
    for statement, index in zip(asked, indexes, strict=True):
        plan = await _plan(service, statement.text, statement.parameters)
        assert f"ix_audit_events_{index}" in plan, plan
        assert "Seq Scan" not in plan, plan


async def _plan(service: Service, statement: str, parameters: object) -> str:
    async with service.runtime.database.engine.connect() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)  # type: ignore[arg-type]
        return "\n".join(row[0] for row in rows)
