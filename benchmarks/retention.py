"""What it costs to remove sessions that are over: whether a batch depends on how many there are, and who notices.

    PYTHONPATH=client .venv/bin/python -m benchmarks.retention [--users 10000,100000,1000000] [--quick]

Every session of a generated population has expired, as after a night when nobody removed any. Some batches are timed by
themselves. Then one replica serves: it removes the rest in the background, while somebody reads, one request after the
other; and the same is read again when nothing is left.
"""

import argparse
import asyncio
import http.client
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import asyncpg

from auth_service.tokens.session_repository import BATCH
from auth_service.wiring.runtime import Runtime
from benchmarks.installation import Installation, describe_machine, percentile, running_installation, table
from benchmarks.population import fill
from tests.support.settings import make_settings

RESULTS = Path(__file__).parent / "results" / "retention.md"
BATCHES, READS, READS_IN_A_ROW = 20, 1000, 20
_LEFT = "SELECT EXISTS (SELECT FROM sessions WHERE idle_expires_at < now() - interval '1 hour')"
_HEADINGS = (
    "expired sessions",
    "a batch of each kind, p50",
    "slowest",
    "all removed in",
    "sessions a second",
    "`GET /users/me` meanwhile, p50",
    "p99",
    "afterwards, p50",
    "p99",
)


def main(*, sizes: Sequence[int], output: Path) -> None:
    """Measure, print and write."""
    rows = []
    for size in sizes:
        batches: list[float] = []
        with running_installation(replicas=1, fill=_expired(size, batches)) as installation:
            rows.append(asyncio.run(_measure(installation, batches)))
    text = (
        "# Removing sessions that are over\n\n"
        f"{describe_machine('PostgreSQL 18')} A batch is {BATCH:,} sessions; after "
        f"each the worker rests for as long as it took.\n\n{table(_HEADINGS, rows)}\n"
    )
    output.write_text(text, encoding="utf-8")
    print(text)


def _expired(users: int, batches: list[float]) -> Callable[[str], None]:
    """Return what fills a database, lets its sessions expire, and times some batches."""

    async def run(url: str) -> None:
        connection = await asyncpg.connect(url)
        await fill(connection, users, lambda _: None)
        await connection.execute("UPDATE sessions SET idle_expires_at = now() - interval '1 day', ended_at = NULL")
        await connection.execute("VACUUM ANALYZE sessions")
        await connection.close()
        async with Runtime(make_settings(url)) as runtime:
            for _ in range(BATCHES if users > BATCHES * BATCH else 1):
                began = time.perf_counter()
                async with runtime.unit_of_work(writing=True) as work:
                    await work.forget_batch()
                batches.append(1000 * (time.perf_counter() - began))

    return lambda url: asyncio.run(run(url))


async def _measure(installation: Installation, batches: Sequence[float]) -> Sequence[str]:
    database = await asyncpg.connect(installation.database_url)
    count = await database.fetchval("SELECT count(*) FROM sessions WHERE idle_expires_at < now()")
    began, during = time.monotonic(), []
    while await database.fetchval(_LEFT):
        during += _read(installation, READS_IN_A_ROW)
    took = time.monotonic() - began
    after = _read(installation, READS)
    await database.close()
    return (
        f"{count:,}",
        f"{percentile(batches, 0.5):.1f} ms",
        f"{max(batches):.1f} ms",
        f"{took:.1f} s",
        f"{count / took:,.0f}",
        *(f"{percentile(took_by, share):.1f} ms" for took_by in (during or after, after) for share in (0.5, 0.99)),
    )


def _read(installation: Installation, times: int) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", installation.ports[0])
    took = []
    for _ in range(times):
        began = time.perf_counter()
        connection.request("GET", "/users/me", headers=dict(installation.administrator))
        answer = connection.getresponse()
        answer.read()
        took.append(1000 * (time.perf_counter() - began))
        if answer.status != http.client.OK:
            raise RuntimeError(f"/users/me: {answer.status}")
    connection.close()
    return took


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--users", default="10000,100000,1000000", help="sizes, with commas between; 1.25 sessions each"
    )
    parser.add_argument("--quick", action="store_true", help="10,000 and 50,000 users")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the Markdown file that is written")
    chosen = parser.parse_args()
    users = "10000,50000" if chosen.quick else chosen.users
    main(sizes=[int(size) for size in users.split(",")], output=chosen.output)
