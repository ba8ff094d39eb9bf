"""Starts this service and the peers, each in production as its documentation says, over one PostgreSQL."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg

from auth_service.version import VERSION
from benchmarks.installation import DEFAULT_HASHES, running_installation
from benchmarks.peers import environments
from benchmarks.peers.contenders import READERS, Contender, make_contender
from benchmarks.peers.dialects import BETTER_AUTH, DJANGO_REST, FASTAPI_USERS, OURS, PASSWORD
from benchmarks.peers.processes import on_cores, own_environment, running_server
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer
from tests.support.settings import NO_LIMITS_BY_VARIABLE

APPS = environments.HERE / "apps"
# Attempts are counted in the database, as by default; only the limits are out of reach.
_SETTINGS: dict[str, str | None] = {
    **{name: value for name, value in NO_LIMITS_BY_VARIABLE.items() if not name.endswith("STORAGE")},
    "AUTH_TOKENS__ACCESS_TOKEN_LIFETIME": "PT24H",  # a run outlasts ten minutes
    **DEFAULT_HASHES,
}
_THREADS = "4"

Start = Callable[[ExitStack, Path, str, Sequence[str]], Contender]


@contextmanager
def running_lineup(
    names: Collection[str], *, claimants: int, server_cores: Collection[int], other_cores: Collection[int]
) -> Iterator[tuple[list[Contender], str]]:
    """Yield the contenders of these names, each a process of its own on the server's cores, and PostgreSQL's version.

    `claimants` are the people who sign in: many, because a service may keep only so many sessions of one person.
    """
    addresses = [f"claimant{number}@example.com" for number in range(claimants)]
    starts = {dialect.name: start for dialect, start in _STARTS if dialect.name in names}
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        with on_cores(other_cores):
            postgres = exits.enter_context(PostgresServer())
        version = asyncio.run(_read_version(postgres.url))
        contenders = []
        for number, (name, start) in enumerate(starts.items()):
            print(f"starting {name}...", file=sys.stderr)
            url = asyncio.run(_create_database(postgres.url, f"contender{number}"))
            with on_cores(server_cores):
                contenders.append(start(exits, folder, url, addresses))
        yield contenders, version


async def _read_version(server: str) -> str:
    connection = await asyncpg.connect(server)
    version = connection.get_settings().server_version.split()[0]
    await connection.close()
    return f"PostgreSQL {version}"


async def _create_database(server: str, name: str) -> str:
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return f"{server.rpartition('/')[0]}/{name}"


def _start_ours(exits: ExitStack, _folder: Path, database_url: str, claimants: Sequence[str]) -> Contender:
    installation = exits.enter_context(running_installation(replicas=1, settings=_SETTINGS, database_url=database_url))
    versions = f"auth-service {VERSION}"
    return make_contender(
        OURS, f"http://127.0.0.1:{installation.ports[0]}", installation.processes[0], versions, claimants
    )


def _start_fastapi_users(exits: ExitStack, folder: Path, database_url: str, claimants: Sequence[str]) -> Contender:
    source, port = APPS / "fastapi_users", free_port()
    python = environments.prepare_python("fastapi_users", source)
    command = ["-m", "uvicorn", "app:app", "--port", str(port), "--no-access-log", "--log-level", "warning"]
    url, settings = f"http://127.0.0.1:{port}", {"DATABASE_URL": database_url}
    process = exits.enter_context(
        running_server(
            [str(python), *command], folder=source, environment=settings, url=url, log=folder / "fastapi_users"
        )
    )
    versions = environments.installed_python(python, "fastapi-users", "fastapi", "sqlalchemy", "asyncpg", "uvicorn")
    return make_contender(FASTAPI_USERS, url, process, versions, claimants)


def _start_django_rest(exits: ExitStack, folder: Path, database_url: str, claimants: Sequence[str]) -> Contender:
    source, port = APPS / "django_rest", free_port()
    python = environments.prepare_python("django_rest", source)
    url, settings = f"http://127.0.0.1:{port}", {"DATABASE_URL": database_url}
    prepare = [str(python), "prepare.py", PASSWORD, *READERS, *claimants]
    subprocess.run(prepare, cwd=source, env={**own_environment(), **settings}, check=True)
    workers = ["--workers", "1", "--worker-class", "gthread", "--threads", _THREADS, "--keep-alive", "75"]
    command = ["-m", "gunicorn", "project.wsgi", "--bind", f"127.0.0.1:{port}", *workers]
    process = exits.enter_context(
        running_server(
            [str(python), *command], folder=source, environment=settings, url=url, log=folder / "django_rest"
        )
    )
    packages = ["django", "djangorestframework", "djangorestframework-simplejwt", "psycopg", "gunicorn"]
    return make_contender(DJANGO_REST, url, process, environments.installed_python(python, *packages), claimants)


def _start_better_auth(exits: ExitStack, folder: Path, database_url: str, claimants: Sequence[str]) -> Contender:
    source, port = environments.prepare_node("better_auth", APPS / "better_auth"), free_port()
    settings = {"DATABASE_URL": database_url, "PORT": str(port), "NODE_ENV": "production"}
    url = f"http://127.0.0.1:{port}"
    process = exits.enter_context(
        running_server(["node", "server.mjs"], folder=source, environment=settings, url=url, log=folder / "better_auth")
    )
    return make_contender(
        BETTER_AUTH, url, process, environments.installed_node(source, "better-auth", "pg"), claimants
    )


_STARTS = (
    (OURS, _start_ours),
    (FASTAPI_USERS, _start_fastapi_users),
    (DJANGO_REST, _start_django_rest),
    (BETTER_AUTH, _start_better_auth),
)
