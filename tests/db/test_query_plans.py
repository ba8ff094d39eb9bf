"""No statement reads a table that grows from end to end: PostgreSQL's own plans of what the service really sends."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg
import pytest
from sqlalchemy import text

from auth_service.db import keyset
from auth_service.mail.repository import OutboxRepository
from auth_service.users import search
from benchmarks.population import fill
from tests.support.databases import Databases
from tests.support.service import Account, Service, bearer, running_service
from tests.support.settings import make_settings
from tests.support.statements import Statement, watched_statements

USERS = 4_000
GROWING = {
    "users",
    "user_search_terms",
    "items",
    "sessions",
    "audit_events",
    "throttle_counters",
    "single_use_tokens",
    "pending_registrations",
    "sign_in_challenges",
    "totp_credentials",
    "recovery_codes",
    "outbox",
    "revocations",
}
# What the population leaves out: mail that waits or was given up, second factors, and what waits for a proof.
_MORE = (
    """
    INSERT INTO outbox (id, kind, sealed, created_at, due_at, attempts, failed_at)
    SELECT uuidv7(), 'notice', '', now(), now() + interval '1 day', 1, CASE WHEN n % 2 = 0 THEN now() END
    FROM generate_series(1, 4000) AS n
    """,
    """
    INSERT INTO totp_credentials (user_id, sealed_seed, last_step, created_at, confirmed_at)
    SELECT id, '', 0, created_at, created_at FROM users
    WHERE email NOT LIKE 'person%'
    """,
    """
    INSERT INTO recovery_codes (digest, user_id, created_at)
    SELECT sha256(id::text::bytea), id, created_at FROM users
    """,
    """
    INSERT INTO pending_registrations (digest, email, email_normalized, hashed_password, tries, created_at, expires_at)
    SELECT sha256(n::text::bytea), n || '@example.com', n || '@example.com', '', 0, now(), now() + interval '1 day'
    FROM generate_series(1, 4000) AS n
    """,
    """
    INSERT INTO sign_in_challenges (digest, user_id, client_id, credential_epoch, scopes, audiences, amr, tries,
        created_at, expires_at)
    SELECT sha256(id::text::bytea), id, 'client_first_party', 1, '[]', '[]', '[]', 0, now(), now() + interval '1 day'
    FROM users
    """,
    """
    INSERT INTO single_use_tokens (digest, purpose, user_id, credential_epoch, email, created_at, expires_at)
    SELECT sha256(id::text::bytea), 'recover-password', id, 1, email, now(), now() + interval '1 day' FROM users
    """,
    """
    INSERT INTO revocations (seq, kind, digest, before)
    SELECT n, 'sid', '', now() + interval '1 second' * n FROM generate_series(101, 4000) AS n
    """,
    "UPDATE revocation_counter SET seq = 4000",
)


@dataclass(frozen=True, slots=True)
class Town:
    """The service among many users, an administrator, and somebody who has an item."""

    service: Service
    administrator: Account
    ann: Account
    item: str

    async def get(self, path: str) -> None:
        """Ask as the administrator."""
        answer = await self.service.client.get(path, headers=bearer(self.administrator))
        assert answer.status_code == 200, answer.text

    async def refresh(self) -> None:
        account = await self.service.sign_in_again(self.ann)
        form = {"grant_type": "refresh_token", "refresh_token": account.refresh_token}
        answer = await self.service.client.post("/oauth/token", data=form)
        assert answer.status_code == 200, answer.text

    async def rename(self) -> None:
        body = {"full_name": "Ann Lee"}
        answer = await self.service.client.patch("/users/me", headers=bearer(self.ann), json=body)
        assert answer.status_code == 200, answer.text

    async def sign_out_elsewhere(self) -> None:
        answer = await self.service.client.post("/users/me/sessions/end-others", headers=bearer(self.ann))
        assert answer.status_code == 204, answer.text

    async def register(self) -> None:
        body = {"email": "somebody.new@example.com", "password": "a passphrase of one's own"}
        answer = await self.service.client.post("/users", json=body)
        assert answer.status_code == 201, answer.text

    async def claim_mail(self) -> None:
        async with self.service.runtime.unit_of_work(writing=True) as work:
            await OutboxRepository(work.session).claim(lease=self.service.runtime.settings.mail.lease)

    async def read_feed(self) -> None:
        await self.service.runtime._read_revocations(0, None)


Act = Callable[[Town], Awaitable[object]]
ACTS: Sequence[tuple[str, Act]] = (
    ("sign in by address", lambda town: town.service.sign_in(town.ann.email)),
    ("sign in by username", lambda town: town.service.sign_in("user42")),
    ("sign in as nobody", lambda town: town.service.sign_in("nobody@example.com")),
    ("refresh", Town.refresh),
    ("the gate", lambda town: town.get("/users/me")),
    ("an item", lambda town: town.get(f"/items/{town.item}")),
    ("a change of a name", Town.rename),
    ("signing out elsewhere", Town.sign_out_elsewhere),
    ("a registration", Town.register),
    ("the sessions of a user", lambda town: town.get(f"/users/{town.ann.id}/sessions")),
    ("the revocation feed", Town.read_feed),
    ("what is over", lambda town: town.service.runtime.forget_what_is_over()),
    ("mail that is due", Town.claim_mail),
)
QUESTIONS = (
    *(f"/users?sort={sort}" for sort in ("created_at", "-created_at", "email", "-email")),
    *(f"/users?{flag}" for flag in ("is_active=false", "is_superuser=true", "email_verified=false")),
    *(f"/users?{flag}&sort=email" for flag in ("is_superuser=true", "is_active=false&email_verified=false")),
    "/users?created_before=2020-01-01T00:00:00Z&sort=email",
    "/users?q=team5.example.com",
    "/users?q=maria",
    "/users?q=maria+mail.example.com&sort=-email",
    "/users?q=person77@mail.example.com+maria&count=true",
    "/items",
    "/items?include=owner&sort=-created_at",
    "/audit-events",
    "/audit-events?outcome=failure",
    "/audit-events?client_id=client_of_nobody",
    "/audit-events?event=user.deleted&outcome=failure",
    "/users/me/audit-events",
)


@pytest.fixture(scope="module")
def town_database(databases: Databases) -> str:
    """Return the URL of a database that is only PostgreSQL's: SQLite has no plans of this kind."""
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    return databases.migrated("postgresql")


@pytest.fixture(scope="module")
async def town(town_database: str) -> AsyncIterator[Town]:
    """A town whose attempts are counted in the database."""
    connection = await asyncpg.connect(town_database)
    await fill(connection, USERS, lambda _: None)
    for statement in _MORE:
        await connection.execute(statement)
    await connection.execute("ANALYZE")
    await connection.close()
    async with running_service(make_settings(town_database, throttle={"storage": "database"})) as service:
        ann = await service.make_user()
        item = await service.make_item(ann)
        yield Town(service, await service.make_admin(), ann, item["id"])


@pytest.mark.parametrize("act", [pytest.param(act, id=name) for name, act in ACTS])
async def test_what_the_service_does_reads_no_growing_table_from_end_to_end(town: Town, act: Act) -> None:
    with watched_statements(town.service) as statements:
        await act(town)

    plans = await _plans(town.service, statements)
    assert any("Index Cond" in plan for plan in plans)
    assert [plan for plan in plans if _tables_read_whole(plan) & GROWING] == []
    assert [plan for plan in plans if _indexes_read_whole(plan)] == []


@pytest.mark.parametrize("path", QUESTIONS)
async def test_no_list_reads_a_growing_table_from_end_to_end(
    town: Town, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_SORTED", USERS // 40)  # as much less as the table is smaller than a large one
    monkeypatch.setattr(search, "MAX_SORTED_BY_ADDRESS", USERS // 40)
    monkeypatch.setattr(keyset, "MAX_WALKED", USERS // 40)

    with watched_statements(town.service) as statements:
        await town.get(path)

    plans = await _plans(town.service, statements)
    assert [plan for plan in plans if _tables_read_whole(plan) & GROWING] == []


async def test_a_missing_index_is_noticed(town: Town) -> None:
    def tables_read(plans: Sequence[str]) -> set[str]:
        return set().union(*map(_tables_read_whole, plans))

    with watched_statements(town.service) as statements:
        await town.service.runtime.forget_what_is_over()

    plans = await _plans(town.service, statements, without="ix_sessions_idle_expires_at")
    assert "sessions" in tables_read(plans)


async def _plans(service: Service, statements: Sequence[Statement], *, without: str | None = None) -> list[str]:
    """Return how PostgreSQL would execute these, in a transaction that changes nothing; `without` an index if named."""
    plans = []
    async with service.runtime.database.engine.connect() as connection:
        if without is not None:
            await connection.execute(text(f"DROP INDEX {without}"))
        for each in statements:
            if each.text.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                once = each.parameters[0] if isinstance(each.parameters, list) else each.parameters
                rows = await connection.exec_driver_sql(f"EXPLAIN {each.text}", once)
                plans.append("\n".join([each.text, *rows.scalars()]))
        await connection.rollback()
    return plans


def _tables_read_whole(plan: str) -> set[str]:
    return set(re.findall(r"Seq Scan on (\w+)", plan))


def _indexes_read_whole(plan: str) -> set[str]:
    """Return the indexes that are read without anything to look for."""
    scans = [node for node in plan.split("->") if re.search(r"Index (Only )?Scan", node) and "Index Cond" not in node]
    return {found for node in scans for found in re.findall(r"Scan(?: Backward)? using (\w+)", node)}
