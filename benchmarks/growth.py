"""Whether the service slows down as it grows: every list, search, count and hot request at several sizes, interleaved.

    PYTHONPATH=client .venv/bin/python -m benchmarks.growth [--users 1000,100000,1000000] [--quick]

One PostgreSQL holds a database of each size, filled by `benchmarks.population`, and one replica serves each. Every
question is put to each size in turn, again and again, so that whatever else the machine does meets all sizes alike.
"""

import argparse
import asyncio
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import asyncpg

from benchmarks.growth_cases import REQUESTS, cases
from benchmarks.growth_report import Figures, report
from benchmarks.growth_town import Town, timed
from benchmarks.installation import Installation, describe_machine, running_installation
from benchmarks.population import Filled, fill
from tests.support.postgres import PostgresServer
from tests.support.settings import NO_LIMITS_BY_VARIABLE

RESULTS = Path(__file__).parent / "results" / "growth.md"
IN_A_ROW, SIGN_INS_IN_A_ROW = 5, 3
BACKGROUND = "Background work"
# Attempts are counted in the database, as by default. Tokens live long, so that sessions that have ended stay.
SETTINGS = {
    **NO_LIMITS_BY_VARIABLE,
    "AUTH_THROTTLE__STORAGE": "database",
    "AUTH_TOKENS__ACCESS_TOKEN_LIFETIME": "PT12H",
    "AUTH_HASHING__ARGON2_MEMORY_KIB": "19456",
    "AUTH_HASHING__ARGON2_PASSES": "2",
}
# What an operator gives a small server, instead of the defaults of 2005.
_TUNING = {"shared_buffers": "2GB", "max_wal_size": "8GB", "random_page_cost": "1.1"}


def main(*, sizes: Sequence[int], turns: int, output: Path) -> None:
    """Measure, print, write, and fail when a goal is missed."""
    with ExitStack() as exits:
        server = exits.enter_context(PostgresServer())
        version = asyncio.run(_tune(server.url))
        server.restart()
        figures = Figures(sizes)
        with asyncio.Runner() as runner:
            towns = [runner.run(Town.of(size, each)) for size, each in _installations(exits, server, figures)]
            runner.run(_measure(towns, figures, turns))
            for town in towns:
                runner.run(town.runtime.close())
    text, missed = report(figures, machine=describe_machine(f"PostgreSQL {version}"), turns=turns)
    output.write_text(text, encoding="utf-8")
    print(text)
    if missed:
        sys.exit(f"missed: {len(missed)} of the lines, see {output}")


def _installations(exits: ExitStack, server: PostgresServer, figures: Figures) -> Iterator[tuple[int, Installation]]:
    """Yield an installation of each size, all of them filled before the first one is yielded."""
    made = []
    for size in figures.sizes:
        url = asyncio.run(_create_database(server.url, f"town_{size}"))
        filling = _filling(size, figures.filled)
        made.append(
            exits.enter_context(running_installation(replicas=1, settings=SETTINGS, database_url=url, fill=filling))
        )
    yield from zip(figures.sizes, made, strict=True)


def _filling(size: int, filled: dict[int, Filled]) -> Callable[[str], None]:
    async def run(url: str) -> None:
        connection = await asyncpg.connect(url)
        filled[size] = await fill(connection, size, _tell)
        await connection.close()

    return lambda url: asyncio.run(run(url))


async def _tune(url: str) -> str:
    connection = await asyncpg.connect(url)
    for name, value in _TUNING.items():
        await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    version: str = connection.get_settings().server_version.split()[0]
    await connection.close()
    return version


async def _create_database(url: str, name: str) -> str:
    connection = await asyncpg.connect(url)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return f"{url.rpartition('/')[0]}/{name}"


async def _measure(towns: Sequence[Town], figures: Figures, turns: int) -> None:
    """Put each question to each town in turn; the first turn finds nothing prepared and does not count."""
    for turn in range(-1, turns):
        took = figures.took if turn >= 0 else defaultdict(list)
        for number, case in enumerate(cases()):
            _tell(f"turn {turn + 1} of {turns}: question {number}")
            for town in towns:
                took[case.group, case.name, town.users] += [town.get(case) for _ in range(IN_A_ROW)]
        for town in [*towns] * SIGN_INS_IN_A_ROW:
            took[REQUESTS, "sign in", town.users].append(town.sign_in())
        for town in [*towns] * IN_A_ROW:
            took[REQUESTS, "refresh", town.users].append(town.refresh())
        for town in towns:
            for name, work in town.background().items():
                took[BACKGROUND, name, town.users].append(await timed(work))


def _tell(line: str) -> None:
    print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


def _sizes(text: str) -> Sequence[int]:
    return sorted(int(size) for size in text.split(","))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--users", type=_sizes, default=_sizes("1000,100000,1000000"), help="sizes, with commas between"
    )
    parser.add_argument("--turns", type=int, default=10, help=f"times {IN_A_ROW} requests of each kind")
    parser.add_argument("--quick", action="store_true", help="1,000 and 100,000 users, three turns")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the Markdown file that is written")
    chosen = parser.parse_args()
    sizes, turns = ((1_000, 100_000), 3) if chosen.quick else (chosen.users, chosen.turns)
    main(sizes=sizes, turns=turns, output=chosen.output)
