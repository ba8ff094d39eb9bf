"""What one request costs in processor time, here and in PostgreSQL, and what one row takes: the input of `scaling.py`.

    PYTHONPATH=client .venv/bin/python -m benchmarks.unit_costs [--users 100000]

The operating system's own account of processor time is read before and after many requests, so a machine that is busy
with other things as well gives nearly the same figures as one at rest.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from benchmarks.growth import SETTINGS
from benchmarks.growth_cases import REQUESTS, Case
from benchmarks.growth_town import Town
from benchmarks.installation import Installation, describe_machine, running_installation, table
from benchmarks.population import TABLE_NAMES, fill

TIMES, SIGN_INS = 600, 60
_TICKS = os.sysconf("SC_CLK_TCK")
_ROWS = "SELECT count(*) AS rows, pg_total_relation_size('{name}') AS bytes FROM {name}"


def main(*, users: int) -> None:
    """Measure and print."""
    with running_installation(replicas=1, settings=SETTINGS, fill=_filling(users)) as installation:
        print(f"{describe_machine('PostgreSQL 18')} {users:,} users.\n")
        costs, sizes = asyncio.run(_measure(installation, users))
    print(table(("request", "service, ms", "PostgreSQL, ms"), costs), "\n")
    print(table(("table", "bytes a row, with its indexes"), sizes))


async def _measure(installation: Installation, users: int) -> tuple[Sequence[Sequence[str]], Sequence[Sequence[str]]]:
    town = await Town.of(users, installation)
    feed = Case(REQUESTS, "/oauth/revocations")
    asks: dict[str, tuple[Callable[[], float], int]] = {
        "sign in": (town.sign_in, SIGN_INS),
        "refresh": (town.refresh, TIMES),
        "GET /users/me": (lambda: town.get(Case(REQUESTS, "/users/me")), TIMES),
        "GET /items/{id}": (lambda: town.get(Case(REQUESTS, "/items/{item}")), TIMES),
        "GET /users, a page": (lambda: town.get(Case(REQUESTS, "/users", (("limit", "20"),))), TIMES),
        "the revocation feed": (lambda: town.get(feed), TIMES),
        "JWKS": (lambda: town.get(Case(REQUESTS, "/.well-known/jwks.json")), TIMES),
    }
    costs = [(name, *_cost(installation, ask, times)) for name, (ask, times) in asks.items()]
    await town.runtime.close()
    return costs, await _sizes(installation.database_url)


def _cost(installation: Installation, ask: Callable[[], float], times: int) -> tuple[str, str]:
    """Return the milliseconds of processor time of one request, by the service and by PostgreSQL."""
    for _ in range(20):
        ask()
    before = _processor_time(installation)
    for _ in range(times):
        ask()
    after = _processor_time(installation)
    service, database = (1000 * (late - early) / times for late, early in zip(after, before, strict=True))
    return f"{service:.2f}", f"{database:.2f}"


def _processor_time(installation: Installation) -> tuple[float, float]:
    """Return the seconds that the server and its PostgreSQL have used, with the processes of that which have ended."""
    service = database = 0.0
    postmaster = f"--port={make_url(installation.database_url).port}"
    seen = dict(_processes())
    masters = {pid for pid, (command, _) in seen.items() if postmaster in command}
    for pid, (command, fields) in seen.items():
        seconds = sum(map(int, fields[11:15])) / _TICKS
        if "serve" in command and str(installation.ports[0]) in command:
            service += seconds
        elif pid in masters or int(fields[1]) in masters:
            database += seconds
    return service, database


def _processes() -> Iterator[tuple[int, tuple[Sequence[str], Sequence[str]]]]:
    """Yield the command and the figures (proc(5), from the state on) of every process, by its id."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            yield int(folder.name), (command, (folder / "stat").read_text().rpartition(")")[2].split())
        except OSError:  # it has ended meanwhile
            continue


def _filling(users: int) -> Callable[[str], None]:
    async def run(url: str) -> None:
        connection = await asyncpg.connect(url)
        await fill(connection, users, lambda line: print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True))
        await connection.close()

    return lambda url: asyncio.run(run(url))


async def _sizes(url: str) -> Sequence[Sequence[str]]:
    database = await asyncpg.connect(url)
    found = [(name, await database.fetchrow(_ROWS.format(name=name))) for name in TABLE_NAMES]
    await database.close()
    return [(name, f"{row['bytes'] / row['rows']:.0f}") for name, row in found]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100_000)
    main(users=parser.parse_args().users)
