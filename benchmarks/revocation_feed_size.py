"""How large the revocation feed is and how fast it is answered, at a million live sessions and a hundred ended ones.

    PYTHONPATH=client .venv/bin/python -m benchmarks.revocation_feed_size [--quick] [--explain]

One replica serves over PostgreSQL. The sessions are made by one statement; the hundred end through the service, one
request each. The same is done with fewer sessions before, to show what does not depend on their number. `/livez`,
which asks nobody anything, takes turns with the feed: what it takes is what any route of this server takes.
"""

import argparse
import asyncio
import http.client
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
from sqlalchemy import event

from auth_service.db.engine import Database
from auth_service.db.session import Session
from auth_service.db.settings import DatabaseSettings
from auth_service.tokens.revocations import Revocations
from auth_service.tokens.session_repository import SessionRepository
from benchmarks.installation import Installation, describe_machine, percentile, running_installation, table

GOAL_BYTES, GOAL_MILLISECONDS, MOST_DIGITS = 20_000, 10.0, 10
ENDED, REQUESTS = 100, 500
FEED, LIVEZ = "/oauth/revocations", "/livez"

Ask = Callable[[Session], Awaitable[object]]

# Sessions as the password grant makes them, from number `$1` up to number `$2`, five of each user.
_ADD_USERS = """
INSERT INTO users (id, email, email_normalized, is_active, is_superuser, credential_epoch, created_at, updated_at)
SELECT md5('user ' || n)::uuid, n || '@example.org', n || '@example.org', true, false, 1, now(), now()
FROM generate_series($1::int / 5, $2::int / 5 - 1) AS n
"""
_ADD_SESSIONS = """
INSERT INTO sessions (id, user_id, client_id, credential_epoch, scopes, audiences, amr, network, user_agent, created_at,
    last_used_at, idle_expires_at, expires_at, refresh_locator, current_digest)
SELECT uuidv7(), md5('user ' || n / 5)::uuid, 'client_first_party', 1, '["profile:read"]', '["https://auth.example.com"]',
    '["pwd"]', '192.0.2.1', 'Mozilla/5.0', now(), now(), now() + interval '14 days', now() + interval '90 days',
    left(md5(n::text), 22), sha256(n::text::bytea)
FROM generate_series($1::int, $2::int - 1) AS n
"""
_ANY_LIVE = """
SELECT id, user_id, refresh_locator FROM sessions WHERE network = '192.0.2.1' AND ended_at IS NULL
ORDER BY random() LIMIT $1
"""


def main(*, quick: bool, explain: bool) -> None:
    """Measure, print, and fail when a goal is missed."""
    sizes = (1_000, 100_000) if quick else (1_000, 100_000, 1_000_000)
    with running_installation(replicas=1) as installation:
        missed = asyncio.run(_measure(installation, sizes, explain=explain))
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


async def _measure(installation: Installation, sizes: Sequence[int], *, explain: bool) -> list[str]:
    """Print everything, and return the goals that were missed."""
    database = await asyncpg.connect(installation.database_url)
    print("# The revocation feed beside many live sessions\n")
    print(f"{describe_machine(f'PostgreSQL {database.get_settings().server_version.split()[0]}')}\n")
    rows, there, lengths, milliseconds = [], 0, [], 0.0
    for size in sizes:
        await _fill(database, there, size)
        there = size
        connection = http.client.HTTPConnection("127.0.0.1", installation.ports[0])
        await _end_a_hundred(database, connection, installation)
        feed, livez, length = _measure_routes(connection)
        connection.close()
        milliseconds = percentile(feed, 0.5)
        lengths.append(length)
        rows.append(_row(size, length, feed, livez))
    _report(rows)
    goals = {
        f"at {there:,} sessions {ENDED} ended ones take less than {GOAL_BYTES:,} bytes": lengths[-1] < GOAL_BYTES,
        f"at {there:,} sessions the answer takes less than {GOAL_MILLISECONDS:g} ms (median)": (
            milliseconds < GOAL_MILLISECONDS
        ),
        "it is as large as at the fewest sessions, but for the digits of numbers": max(lengths) - min(lengths)
        < MOST_DIGITS,
    }
    for goal, met in goals.items():
        print(f"- Goal: {goal}: {'met' if met else 'MISSED'}.")
    if explain:
        await _explain(database, installation.database_url)
    await database.close()
    return [goal for goal, met in goals.items() if not met]


async def _fill(database: "asyncpg.Connection", there: int, size: int) -> None:
    await database.execute(_ADD_USERS, there, size)
    await database.execute(_ADD_SESSIONS, there, size)
    await database.execute("VACUUM ANALYZE sessions, users")


async def _end_a_hundred(
    database: "asyncpg.Connection", connection: http.client.HTTPConnection, installation: Installation
) -> None:
    """End live sessions of many users; what ended before is forgotten, as time would see to."""
    await database.execute("DELETE FROM revocations")
    for session in await database.fetch(_ANY_LIVE, ENDED):
        path = f"/users/{session['user_id']}/sessions/{session['id']}"
        connection.request("DELETE", path, headers=dict(installation.administrator))
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.client.NO_CONTENT:
            raise RuntimeError(f"a session did not end: {answer.status}")
    if await database.fetchval("SELECT count(*) FROM revocations") != ENDED:
        raise RuntimeError("not as many ended as should have")


def _measure_routes(connection: http.client.HTTPConnection) -> tuple[list[float], list[float], int]:
    """Return the milliseconds of the feed and of `/livez`, and the bytes of the feed."""
    feed, livez, length = [], [], 0
    for turn in range(REQUESTS + 20):
        feed_took, length = _request(connection, FEED)
        livez_took, _ = _request(connection, LIVEZ)
        if turn >= 20:  # noqa: PLR2004 - the first ones find nothing prepared
            feed.append(feed_took)
            livez.append(livez_took)
    return feed, livez, length


def _request(connection: http.client.HTTPConnection, path: str) -> tuple[float, int]:
    began = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    took = 1000 * (time.perf_counter() - began)
    if answer.status != http.client.OK:
        raise RuntimeError(f"{path}: {answer.status}")
    return took, len(body)


def _row(size: int, length: int, feed: Sequence[float], livez: Sequence[float]) -> Sequence[object]:
    median, plain = percentile(feed, 0.5), percentile(livez, 0.5)
    return (
        f"{size:,}",
        f"{length:,}",
        f"{median:.2f} ms",
        f"{percentile(feed, 0.99):.2f} ms",
        f"{plain:.2f} ms",
        f"{percentile(livez, 0.99):.2f} ms",
        f"{median / plain:.1f}",
    )


def _report(rows: Sequence[Sequence[object]]) -> None:
    headings = ["live sessions", "bytes of the feed", "feed, p50", "p99", "`/livez`, p50", "p99", "times `/livez`"]
    print(f"{ENDED} of the sessions have just ended; {REQUESTS} requests of each route, one after the other.\n")
    print(f"{table(headings, rows)}\n")


async def _explain(database: "asyncpg.Connection", url: str) -> None:
    """Print how the statements are executed that the service itself sends, with the parameters that it sends."""
    row = await database.fetchrow(_ANY_LIVE, 1)
    seq = await database.fetchval("SELECT seq FROM revocation_counter")
    asks: dict[str, Ask] = {
        "The feed, from its start": lambda session: _read_feed(session, 0),
        "The feed, behind the last entry": lambda session: _read_feed(session, seq),
        "The account gate": lambda session: SessionRepository(session).find(row["id"]),
        "A session by the locator of a refresh token": (
            lambda session: SessionRepository(session).find_by_locator(row["refresh_locator"])
        ),
        "The live sessions of a user": lambda session: SessionRepository(session).live_of(row["user_id"]),
    }
    service = Database(DatabaseSettings.model_validate({"url": url}))
    seen: list[tuple[str, Sequence[object]]] = []
    event.listen(
        service.engine.sync_engine,
        "before_cursor_execute",
        lambda *arguments: seen.append((arguments[2], arguments[3])),
    )
    print("\n## How the statements are executed\n")
    for heading, ask in asks.items():
        async with service.transaction(writing=False) as session:
            seen.clear()
            await ask(session)
            for statement, parameters in [each for each in seen if each[0].startswith("SELECT")]:
                explain = f"EXPLAIN (ANALYZE, COSTS OFF, SUMMARY) {statement}"
                connection = await session.connection()
                plan = (await connection.exec_driver_sql(explain, tuple(parameters))).scalars()
                print(f"{heading}:\n\n```\n{chr(10).join(plan)}\n```\n")
    await service.dispose()


async def _read_feed(session: Session, after: int) -> None:
    now, keep = datetime.now(UTC), timedelta(minutes=11, seconds=30)
    await Revocations(session, leeway=timedelta(seconds=30)).page(after, epoch=None, keep=keep, read_at=now)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the sessions, in under a minute")
    parser.add_argument("--explain", action="store_true", help="print how PostgreSQL executes the statements as well")
    main(**vars(parser.parse_args()))
