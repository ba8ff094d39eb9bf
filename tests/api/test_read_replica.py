"""Lists come from the read replica while it answers; everything else, and whatever decides, from the primary."""

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from httpx import AsyncClient
from structlog.testing import capture_logs

from auth_service.authz.principal import OPERATOR
from auth_service.db.keyset import PageRequest
from auth_service.users.queries import UserFilter, UserSort
from auth_service.users.schemas import UserCreate
from tests.support.databases import Databases
from tests.support.oauth import form_for
from tests.support.openapi import FORM, JSON, Operation, operations
from tests.support.own_postgres import own_postgres
from tests.support.paths import fill
from tests.support.postgres import PostgresServer
from tests.support.replicated import Pair, away, counting_reads_of_the_replica, make_pair
from tests.support.service import Account, Service, assert_problem, bearer

LISTS = {"GET /users", "GET /items", "GET /audit-events", "GET /users/me/audit-events"}
_IN_TIME_SECONDS = 10


@pytest.fixture
def pair(databases: Databases) -> Pair:
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    return make_pair(databases)


@pytest.fixture
def other_server() -> Iterator[PostgresServer]:
    """A server of the replica's own, because it is stopped."""
    with own_postgres() as server:
        yield server


async def _read(client: AsyncClient, account: Account, path: str) -> Any:
    async with asyncio.timeout(_IN_TIME_SECONDS):
        answer = await client.get(path, headers=bearer(account))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _ids(client: AsyncClient, account: Account, path: str) -> list[str]:
    return [row["id"] for row in (await _read(client, account, path))["data"]]


async def _call(client: AsyncClient, operation: Operation, account: Account, item_id: str) -> int:
    """Make the call that the document gives as an example."""
    body, is_form = operation.body_schema(JSON), operation.body_schema(FORM) is not None
    answer = await client.request(
        operation.method,
        fill(operation.path, user_id=account.id, item_id=item_id, session_id=account.session_id),
        headers={} if is_form else bearer(account),
        json=body["examples"][0] if body else None,
        data=form_for(operation.path, account) if is_form else None,
    )
    return answer.status_code


async def test_of_all_routes_only_the_lists_read_the_replica(pair: Pair) -> None:
    touched: set[str] = set()
    failed: dict[str, int] = {}
    async with pair.serving() as service:
        for operation in operations():
            account = await service.make_admin()
            item = await service.make_item(account)
            with counting_reads_of_the_replica(service.runtime) as statements:
                status = await _call(service.client, operation, account, item["id"])
            touched |= {str(operation)} if statements else set()
            failed |= {str(operation): status} if status in {401, 500, 503} else {}

    assert touched == LISTS
    assert failed == {"POST /oauth/introspect": 401}  # it is for clients with a secret


async def test_a_list_shows_what_the_replica_has_and_a_single_read_what_is_new(pair: Pair) -> None:
    async with pair.serving() as service:
        newcomer = await service.make_user()
        item = await service.make_item(pair.admin)
        client, admin = service.client, pair.admin

        lists = {path: await _ids(client, admin, path) for path in ("/users", "/items", "/items?include=owner")}
        events = {path: await _read(client, admin, path) for path in ("/audit-events", "/users/me/audit-events")}
        single = [
            (await _read(client, admin, path))["id"] for path in (f"/users/{newcomer.id}", f"/items/{item['id']}")
        ]
        exported = await _read(client, admin, "/users/me/export")

    assert lists == {
        "/users": [str(admin.id)],
        "/items": [str(pair.item_id)],
        "/items?include=owner": [str(pair.item_id)],
    }
    assert item["id"] not in str(events)
    assert str(pair.item_id) in str(events)
    assert single == [str(newcomer.id), item["id"]]
    assert [row["id"] for row in exported["items"]] == [item["id"], str(pair.item_id)]
    assert item["id"] in str(exported["audit_events"])


async def test_who_writes_sees_what_they_wrote(pair: Pair) -> None:
    async with pair.serving() as service, service.runtime.unit_of_work(writing=True) as work:
        await work.registration.create(OPERATOR, UserCreate(email="newcomer@example.com"))
        found = await work.users.search(OPERATOR, UserFilter(), UserSort.CREATED, PageRequest(limit=10))

    assert [user.email for user in found.rows] == [pair.admin.email, "newcomer@example.com"]


async def test_who_was_disabled_a_moment_ago_is_refused_whatever_the_replica_believes(pair: Pair) -> None:
    async with pair.serving() as service:
        other = await service.make_admin()
        await service.client.patch(f"/users/{pair.admin.id}", headers=bearer(other), json={"is_active": False})

        with counting_reads_of_the_replica(service.runtime) as statements:
            refused = [
                await service.client.get(path.removeprefix("GET "), headers=bearer(pair.admin)) for path in LISTS
            ]

    for answer in refused:
        assert_problem(answer, 401, code="invalid_token")
    assert statements == []


async def test_who_was_demoted_a_moment_ago_lists_only_their_own(pair: Pair) -> None:
    async with pair.serving() as service:
        other = await service.make_admin()
        await service.client.patch(f"/users/{pair.admin.id}", headers=bearer(other), json={"is_superuser": False})
        demoted = await service.sign_in_again(pair.admin)

        users = await service.client.get("/users", headers=bearer(demoted))
        others = await _ids(service.client, demoted, f"/items?owner_id={other.id}")

    assert_problem(users, 403, code="permission_denied")
    assert others == []


async def test_while_the_replica_is_away_lists_come_from_the_primary_and_it_is_said_once(pair: Pair) -> None:
    async with pair.serving() as service:
        item = await service.make_item(pair.admin)
        before = await _ids(service.client, pair.admin, "/items")

        with capture_logs() as logs:
            async with away(pair.replica):
                meanwhile = [await _ids(service.client, pair.admin, "/items") for _ in range(3)]
            _end_the_pause(service)
            back = await _ids(service.client, pair.admin, "/items")

    assert before == back == [str(pair.item_id)]
    assert meanwhile == [[str(pair.item_id), item["id"]]] * 3
    said = [log for log in logs if log["event"].startswith("read_replica.")]
    assert [(log["event"], log["log_level"]) for log in said] == [
        ("read_replica.away", "warning"),
        ("read_replica.back", "info"),
    ]
    assert "not currently accepting connections" in said[0]["reason"]


def _end_the_pause(service: Service) -> None:
    assert service.runtime.replica is not None
    service.runtime.replica._tried_again_at = 0.0


@pytest.mark.parametrize("how", ["kill", "freeze"])
async def test_a_replica_that_dies_or_falls_silent_costs_a_list_a_moment(
    pair: Pair, other_server: PostgresServer, databases: Databases, how: str
) -> None:
    there = Databases(databases.folder, other_server.url)
    replica = await asyncio.to_thread(there.migrated, "postgresql")
    async with pair.serving(read_url=replica) as service:
        empty = [await _ids(service.client, pair.admin, path.removeprefix("GET ")) for path in LISTS]

        if how == "kill":
            other_server.kill()
            full = [await _ids(service.client, pair.admin, path.removeprefix("GET ")) for path in LISTS]
        else:
            with other_server.frozen(await _backends(other_server)):
                full = [await _ids(service.client, pair.admin, path.removeprefix("GET ")) for path in LISTS]

    assert empty == [[]] * len(LISTS)
    assert all(full)


async def _backends(server: PostgresServer) -> list[int]:
    connection = await asyncpg.connect(server.url)
    rows = await connection.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = 'auth-service'")
    await connection.close()
    return [row["pid"] for row in rows]


async def test_a_replica_that_was_never_there_keeps_nothing_from_starting(pair: Pair) -> None:
    async with pair.serving(read_url="postgresql://postgres@127.0.0.1:1/auth") as service:
        ready = await service.client.get("/readyz")
        listed = await _ids(service.client, pair.admin, "/items")

    assert ready.status_code == 200
    assert listed == [str(pair.item_id)]


async def test_a_replica_whose_schema_is_behind_is_passed_over(pair: Pair) -> None:
    async with pair.serving() as service:
        assert service.runtime.replica is not None
        async with service.runtime.replica.database.engine.begin() as connection:
            await connection.exec_driver_sql("ALTER TABLE items DROP COLUMN price")
        item = await service.make_item(pair.admin)

        listed = await _ids(service.client, pair.admin, "/items")

    assert listed == [str(pair.item_id), item["id"]]


async def test_a_cursor_goes_on_where_another_database_left_off(pair: Pair) -> None:
    async with pair.serving() as service:
        newer = [(await service.make_item(pair.admin))["id"] for _ in range(2)]
        newest_first = "/items?sort=-created_at&limit=1"
        on_the_replica = await _read(service.client, pair.admin, newest_first)
        assert service.runtime.replica is not None
        service.runtime.replica._is_away, service.runtime.replica._tried_again_at = True, float("inf")
        pages = [await _read(service.client, pair.admin, newest_first)]
        pages += [await _read(service.client, pair.admin, f"{newest_first}&cursor={pages[0]['next_cursor']}")]

        _end_the_pause(service)
        last = await _read(service.client, pair.admin, f"{newest_first}&cursor={pages[1]['next_cursor']}")

    assert [page["data"][0]["id"] for page in pages] == newer[::-1]
    assert last["data"] == on_the_replica["data"]
    assert last["next_cursor"] is None
