"""An installation to measure: replicas of `serve`, each a process with a real HTTP server, over one PostgreSQL."""

import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from auth_service_client.async_verifier import AsyncVerifier
from auth_service_client.settings import VerifierSettings
from tests.support.commands import ROOT, make_operator
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer
from tests.support.settings import CHEAPEST_SERVABLE_HASHES

ISSUER, AUDIENCE = "https://auth.example.com", "https://orders.example.com"
DEFAULT_HASHES: Mapping[str, str | None] = {f"AUTH_HASHING__{name.upper()}": None for name in CHEAPEST_SERVABLE_HASHES}
"""Takes away the settings by which an installation hashes passwords at next to no cost."""
EMAIL, PASSWORD = "ann@example.com", "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Installation:
    """Replicas that are ready, and an administrator who is signed in."""

    database_url: str
    ports: Sequence[int]
    processes: Sequence[int]
    administrator: Mapping[str, str]
    environment: Mapping[str, str]


@contextmanager
def running_installation(  # noqa: PLR0913 - what an installation may differ in
    *,
    replicas: int,
    settings: Mapping[str, str | None] | None = None,
    sqlite: bool = False,
    core: int | None = None,
    database_url: str | None = None,
    fill: Callable[[str], None] | None = None,
) -> Iterator[Installation]:
    """Yield an installation with an empty database that ends with the block.

    `settings` go over those that it has; None takes one away. With `core` that is the only one that the replicas run
    on. With a `database_url` there is no server of its own. `fill` gets the URL when there is a schema, before anything
    serves.
    """
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        if database_url is None and not sqlite:
            database_url = exits.enter_context(PostgresServer()).url
        operator = make_operator(folder, database_url)
        wanted = {**operator.environment, "AUTH_TOKENS__SHARED_AUDIENCES": AUDIENCE, **(settings or {})}
        operator.environment.clear()
        operator.environment.update({name: value for name, value in wanted.items() if value is not None})
        operator.run("migrate")
        operator.run("create-admin", "--email", EMAIL, "--password-stdin", stdin=f"{PASSWORD}\n")
        if fill is not None:
            fill(operator.environment["AUTH_DATABASE__URL"])
        ports = [free_port() for _ in range(replicas)]
        serving = [_serving(folder, operator.environment, port, core=core) for port in ports]
        processes = [exits.enter_context(each) for each in serving]
        form = {"grant_type": "password", "username": EMAIL, "password": PASSWORD}
        token = httpx.post(f"http://127.0.0.1:{ports[0]}/oauth/token", data=form).json()["access_token"]
        yield Installation(
            operator.environment["AUTH_DATABASE__URL"], ports, processes, bearer(token), operator.environment
        )


@contextmanager
def _serving(folder: Path, environment: Mapping[str, str], port: int, *, core: int | None) -> Iterator[int]:
    """Yield the process once it is ready."""
    log = folder / f"{port}.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "auth_service", "serve", "--port", str(port)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stderr=errors,
        ) as process,
    ):
        if core is not None:  # before it has threads, which each go their own way
            os.sched_setaffinity(process.pid, {core})
        try:
            while "service.ready" not in log.read_text():
                if process.poll() is not None:
                    raise RuntimeError(log.read_text())
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()


class Detour(httpx.AsyncHTTPTransport):
    """Takes what is meant for the issuer to one replica, and counts it by path."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.requests: Counter[str] = Counter()
        self._port = port

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request as it is, to another address."""
        self.requests[request.url.path] += 1
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        return await super().handle_async_request(request)


def verifier_of(detour: Detour) -> AsyncVerifier:
    """Return what another service verifies tokens with, with the settings that it has by itself."""
    return AsyncVerifier(VerifierSettings(issuer=ISSUER, audience=AUDIENCE), transport=detour)


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries `token`."""
    return {"Authorization": f"Bearer {token}"}


def describe_machine(database: str) -> str:
    """Return a sentence about what the figures were measured on, without a name."""
    cores = len(os.sched_getaffinity(0))
    versions = f"Python {platform.python_version()}, {database}"
    return f"{cores} cores ({platform.machine()}), which everything here shares; {versions}."


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of all are no greater than."""
    return sorted(values)[max(math.ceil(len(values) * share) - 1, 0)]


def table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a Markdown table; the first column is text."""
    lines = ["| " + " | ".join(headings) + " |", "|---|" + "---:|" * (len(headings) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)])
