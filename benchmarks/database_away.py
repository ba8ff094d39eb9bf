"""What clients see while the database is away for a minute, and how soon all is well when it is back.

    PYTHONPATH=client .venv/bin/python -m benchmarks.database_away [--seconds 60] [--quick]

One replica serves over a PostgreSQL of its own. That is shut down in order, then killed, then frozen with everything
that it has open (a machine that the network lost looks like that). Clients go on asking all the while; no request may
be answered with anything but 503 with `Retry-After` where the database is needed, nor with anything but 200 elsewhere.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx

from benchmarks.installation import (
    EMAIL,
    PASSWORD,
    Installation,
    describe_machine,
    percentile,
    running_installation,
    table,
)
from tests.support.postgres import PostgresServer
from tests.support.settings import NO_LIMITS_BY_VARIABLE

RESULTS = Path(__file__).parent / "results" / "database_away.md"
WAYS = ("shut down", "killed", "frozen")
GOAL_SECONDS, GOAL_BACK_SECONDS, GOAL_GROWTH = 3.0, 2.0, 0.05
_OK, _UNAVAILABLE = 200, 503
_PAUSE_SECONDS = 0.05
_CLIENTS_EACH = 4
_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'auth-service'"
_HEADINGS = (
    "the database is",
    "503 in time",
    "anything else",
    "p50",
    "slowest",
    "JWKS, liveness: 200",
    "anything else",
    "slowest",
    "back after",
    "memory before",
    "after",
)


@dataclass(slots=True)
class Seen:
    """What clients were answered while the database was away."""

    refused: list[float] = field(default_factory=list)
    served: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    wrongly_unavailable: list[str] = field(default_factory=list)


def main(*, seconds: float, output: Path) -> int:
    """Measure, print and write; return how many goals were missed."""
    rows, missed = [], []
    for way in WAYS:
        with PostgresServer() as server, _installed(server) as installation:
            row, misses = asyncio.run(_measure(server, installation, way, seconds))
        rows.append(row)
        missed += [f"{way}: {miss}" for miss in misses]
        print(f"{way}: done, {len(misses)} goals missed", file=sys.stderr)
    goals = (
        f"Goals: nothing but 503 with `Retry-After` within {GOAL_SECONDS:g} s, JWKS and liveness all along, "
        f"back within {GOAL_BACK_SECONDS:g} s, memory grown by less than {100 * GOAL_GROWTH:g} %. "
    )
    verdict = "All met." if not missed else "MISSED: " + "; ".join(missed)
    text = f"# The database away for {seconds:g} s\n\n{describe_machine('PostgreSQL 18')}\n\n{table(_HEADINGS, rows)}\n"
    text += f"\n{goals}{verdict}\n"
    output.write_text(text, encoding="utf-8")
    print(text)
    return len(missed)


@contextmanager
def _installed(server: PostgresServer) -> Iterator[Installation]:
    settings = {**NO_LIMITS_BY_VARIABLE, "AUTH_THROTTLE__STORAGE": "database"}
    with running_installation(replicas=1, database_url=server.url, settings=settings) as installation:
        yield installation


async def _measure(
    server: PostgresServer, installation: Installation, way: str, seconds: float
) -> tuple[Sequence[str], list[str]]:
    headers = dict(installation.administrator)
    address = f"http://127.0.0.1:{installation.ports[0]}"
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        await _ask_for(client, headers, 5.0)  # its pool and caches are as large as they get
        before = _memory(installation)
        async with _away(server, way):
            seen = await _ask_for(client, headers, seconds)
        returned = time.monotonic()
        while (await client.get("/users/me", headers=headers)).status_code != _OK:  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.01)
        back = time.monotonic() - returned
        after_return = await _ask_for(client, headers, 5.0)
        after = _memory(installation)
    misses = [
        *{f"{one} while away" for one in seen.wrong},
        *{f"{one} afterwards" for one in after_return.wrongly_unavailable},
    ]
    misses += ["too slow"] if max(seen.refused) >= GOAL_SECONDS else []
    misses += ["back too late"] if back >= GOAL_BACK_SECONDS else []
    misses += ["memory"] if after > before * (1 + GOAL_GROWTH) else []
    row = (
        way,
        f"{len(seen.refused):,}",
        str(len([one for one in seen.wrong if "/.well-known" not in one and "/livez" not in one])),
        f"{1000 * percentile(seen.refused, 0.5):.0f} ms",
        f"{max(seen.refused):.2f} s",
        f"{len(seen.served):,}",
        str(len([one for one in seen.wrong if "/.well-known" in one or "/livez" in one])),
        f"{1000 * max(seen.served):.0f} ms",
        f"{back:.2f} s",
        f"{before:.1f} MB",
        f"{after:.1f} MB",
    )
    return row, misses


@asynccontextmanager
async def _away(server: PostgresServer, way: str) -> AsyncIterator[None]:
    """Take the database away for as long as the block lasts; at its end it accepts connections."""
    connection = await asyncpg.connect(server.url)
    await connection.execute("CHECKPOINT")  # this server commits without waiting for its disk
    backends = [row["pid"] for row in await connection.fetch(_BACKENDS)]
    await connection.close()
    if way == "frozen":
        with server.frozen(backends):
            yield
        return
    (server.kill if way == "killed" else server.stop)()
    yield
    await asyncio.to_thread(server.start)


async def _ask_for(client: httpx.AsyncClient, headers: dict[str, str], seconds: float) -> Seen:
    """Ask for everything, several clients each, until the time is over."""
    seen, until = Seen(), time.monotonic() + seconds
    form = {"grant_type": "password", "username": EMAIL, "password": PASSWORD}
    needing = [
        client.build_request("GET", "/readyz"),
        client.build_request("GET", "/users/me", headers=headers),
        client.build_request("GET", "/items", headers=headers),
        client.build_request("POST", "/items", headers=headers, json={"title": "A blue bicycle"}),
        client.build_request("POST", "/oauth/token", data=form),
    ]
    free = [client.build_request("GET", "/livez"), client.build_request("GET", "/.well-known/jwks.json")]
    async with asyncio.TaskGroup() as clients:
        for request in [*needing, *free]:
            for _ in range(_CLIENTS_EACH):
                clients.create_task(_repeat(client, request, seen, until, needs_database=request in needing))
    return seen


async def _repeat(
    client: httpx.AsyncClient, request: httpx.Request, seen: Seen, until: float, *, needs_database: bool
) -> None:
    while (began := time.monotonic()) < until:
        answer = await client.send(request)
        took = time.monotonic() - began
        name = f"{request.method} {request.url.path}: {answer.status_code}"
        is_refused = answer.status_code == _UNAVAILABLE and "retry-after" in answer.headers
        (seen.refused if needs_database else seen.served).append(took)
        if is_refused is not needs_database or (not needs_database and answer.status_code != _OK):
            seen.wrong.append(name)
        if not answer.is_success:
            seen.wrongly_unavailable.append(name)
        await asyncio.sleep(_PAUSE_SECONDS)


def _memory(installation: Installation) -> float:
    """Return what the replica holds of the machine's memory, in MB."""
    status = Path(f"/proc/{installation.processes[0]}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long it is away, each time")
    parser.add_argument("--quick", action="store_true", help="6 seconds each")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the Markdown file that is written")
    chosen = parser.parse_args()
    sys.exit(1 if main(seconds=6.0 if chosen.quick else chosen.seconds, output=chosen.output) else 0)
