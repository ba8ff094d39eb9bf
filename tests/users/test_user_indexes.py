"""At twenty thousand users every look-up and every first page goes by an index: PostgreSQL's own plan says so."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from tests.support.databases import Databases
from tests.support.service import Account, Service, bearer, running_service
from tests.support.settings import make_settings
from tests.support.statements import watched_statements

# One in a hundred is disabled, one in a thousand an administrator, one in fifty not verified; one in five hundred
# shares a rare domain.
_USERS = """
INSERT INTO users (id, email, email_normalized, full_name, is_active, is_superuser, email_verified_at,
                   credential_epoch, created_at, updated_at)
SELECT lpad(to_hex(n), 32, '0')::uuid, address, address, 'Person', n % 100 > 0, n % 1000 = 0,
       CASE WHEN n % 50 > 0 THEN moment END, 1, moment, moment
FROM (
    SELECT n, 'person' || n || CASE WHEN n % 500 = 0 THEN '@rare.example.com' ELSE '@example.com' END AS address,
           timestamptz '2026-01-01' + n * interval '1 minute' AS moment
    FROM generate_series(1, 20000) AS n
) AS people
"""
_TERMS = """
INSERT INTO user_search_terms (term, created_at, user_id)
SELECT term, created_at, id FROM users,
    LATERAL (VALUES (email_normalized), (split_part(email_normalized, '@', 2)), ('person')) AS terms (term)
"""
_ITEMS = """
INSERT INTO items (id, owner_id, title, created_at, updated_at)
SELECT id, id, 'A bell', created_at, created_at FROM users
"""
_COLLATIONS = """
SELECT table_name, column_name, collation_name FROM information_schema.columns
WHERE (table_name, column_name) IN (('users', 'email_normalized'), ('user_search_terms', 'term'))
"""


@pytest.fixture(scope="module")
def postgresql(databases: Databases) -> str:
    """Return the URL of a database that is only PostgreSQL's: SQLite has no plans of this kind."""
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    return databases.migrated("postgresql")


@pytest.fixture(scope="module")
async def crowd(postgresql: str) -> AsyncIterator[tuple[Service, Account]]:
    """The service with twenty thousand users, and an administrator among them."""
    async with running_service(make_settings(postgresql)) as service:
        async with service.runtime.database.engine.begin() as connection:
            for statement in (_USERS, _TERMS, _ITEMS):
                await connection.execute(text(statement))
        async with service.runtime.database.engine.begin() as connection:
            await connection.execute(text("ANALYZE"))
        yield service, await service.make_admin()


@pytest.mark.parametrize(
    ("path", "index"),
    [
        pytest.param("/users", "ix_users_created_at_id", id="the first page"),
        pytest.param("/users?sort=-created_at", "ix_users_created_at_id", id="the last come first"),
        pytest.param("/users?sort=email", "uq_users_email_normalized", id="by address"),
        pytest.param("/users?sort=-email", "uq_users_email_normalized", id="by address, backwards"),
        pytest.param("/users?is_active=false", "ix_users_disabled_created_at_id", id="the disabled"),
        pytest.param("/users?is_superuser=true", "ix_users_superusers_created_at_id", id="the administrators"),
        pytest.param("/users?email_verified=false", "ix_users_unverified_created_at_id", id="the unverified"),
        pytest.param("/users?is_active=true", "ix_users_created_at_id", id="the active, who are nearly all"),
        pytest.param("/users?created_from=2026-01-10T00:00:00Z", "ix_users_created_at_id", id="from a time on"),
        pytest.param("/users?q=person1234", "pk_user_search_terms", id="the beginning of an address"),
        pytest.param("/users?q=person1234@example.com", "pk_user_search_terms", id="an address"),
        pytest.param("/users?q=rare.example", "pk_user_search_terms", id="a rare domain"),
        pytest.param("/users?q=rare&sort=-email", "pk_user_search_terms", id="a rare domain, by address"),
        pytest.param("/items", "ix_items_created_at_id", id="the items"),
        pytest.param(f"/items?owner_id={7:032x}", "ix_items_owner_id_created_at_id", id="the items of one owner"),
    ],
)
async def test_a_list_goes_by_its_index(crowd: tuple[Service, Account], path: str, index: str) -> None:
    service, administrator = crowd

    with watched_statements(service) as statements:
        response = await service.client.get(path, headers=bearer(administrator))

    assert response.status_code == 200
    assert response.json()["data"]
    plan = await _plan(service, statements[-1].text, statements[-1].parameters)
    assert index in plan
    assert "Seq Scan" not in plan


async def test_the_next_page_starts_at_its_row_and_not_at_the_first(crowd: tuple[Service, Account]) -> None:
    service, administrator = crowd
    first = (await service.client.get("/users", headers=bearer(administrator))).json()

    with watched_statements(service) as statements:
        await service.client.get("/users", headers=bearer(administrator), params={"cursor": first["next_cursor"]})

    plan = await _plan(service, statements[-1].text, statements[-1].parameters)
    assert "Index Cond: (ROW(created_at, id) > ROW(" in plan


@pytest.mark.parametrize("identifier", ["person77@example.com", "person77"])
async def test_a_sign_in_finds_its_account_by_an_index(crowd: tuple[Service, Account], identifier: str) -> None:
    service, _ = crowd
    index = "uq_users_email_normalized" if "@" in identifier else "uq_users_username"

    with watched_statements(service) as statements:
        await service.sign_in(identifier)

    found = next(one for one in statements if "FROM users" in one.text)  # the first one finds the client
    plan = await _plan(service, found.text, found.parameters)
    assert index in plan


async def test_counting_administrators_before_one_leaves_reads_only_administrators(
    crowd: tuple[Service, Account],
) -> None:
    service, _ = crowd

    with watched_statements(service) as statements:
        async with service.runtime.unit_of_work(writing=True) as work:
            await work._users.lock_active_administrators()

    plan = await _plan(service, statements[-1].text, statements[-1].parameters)
    assert "ix_users_superusers_created_at_id" in plan
    assert "Seq Scan" not in plan


async def test_prefixes_and_orders_do_not_depend_on_the_language_of_the_server(crowd: tuple[Service, Account]) -> None:
    service, _ = crowd

    async with service.runtime.database.engine.connect() as connection:
        rows = await connection.execute(text(_COLLATIONS))

    assert {(table, column, collation) for table, column, collation in rows} == {
        ("users", "email_normalized", "C"),
        ("user_search_terms", "term", "C"),
    }


async def _plan(service: Service, statement: str, parameters: object) -> str:
    async with service.runtime.database.engine.connect() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)  # type: ignore[arg-type]
        return "\n".join(row[0] for row in rows)
