"""What it costs to be watched: a request with metrics, access log and traces, and all requests while somebody scrapes.

    PYTHONPATH=client .venv/bin/python -m benchmarks.watching_costs [--rounds 100] [--seconds 10]

The requests are handed to the application in this process, without a socket, and its own account of processor time is
read: so what is measured is the difference that watching makes. Each variant comes round several times, one after the
other, and the quickest round of each counts, because whatever else a machine does only ever adds to it.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import Message

from auth_service.app import create_app, serve_metrics
from auth_service.cli.logs import configure_logs
from auth_service.cli.ports import bind
from auth_service.db.engine import Database
from auth_service.db.migrations import upgrade
from auth_service.db.settings import DatabaseSettings
from auth_service.monitoring.exposition import snapshot
from benchmarks.installation import describe_machine, percentile, table
from tests.support.settings import make_settings, new_master_key

_REQUESTS = 500
_SCRAPES_A_SECOND = 4
_SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/.well-known/jwks.json",
    "raw_path": b"/.well-known/jwks.json",
    "query_string": b"",
    "root_path": "",
    "server": ("127.0.0.1", 8000),
    "client": ("127.0.0.1", 50_000),
    "headers": [
        (b"host", b"127.0.0.1:8000"),
        (b"user-agent", b"x"),
        (b"accept", b"*/*"),
        (b"connection", b"keep-alive"),
    ],
}
_METRICS: dict[str, dict[str, object]] = {"metrics": {"port": 9464}}
_EVERY = "http://127.0.0.1:9/v1/traces"
_VARIANTS: dict[str, dict[str, dict[str, object]]] = {
    "nothing": {},
    "metrics": _METRICS,
    "metrics, traces of a tenth": {**_METRICS, "tracing": {"endpoint": _EVERY, "sample_ratio": 0.1}},
    "metrics, traces of all": {**_METRICS, "tracing": {"endpoint": _EVERY, "sample_ratio": 1}},
    "metrics, access log": {**_METRICS, "http": {"access_log": True}},
}
_SCRAPER = """
import sys, time, urllib.request
while True:
    urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/metrics").read()
    time.sleep(1 / float(sys.argv[2]))
"""


async def main(*, rounds: int, seconds: float) -> None:
    """Measure and print."""
    print(f"{describe_machine('SQLite')}\n")
    configure_logs(as_json=True)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/auth.db"
        database = Database(DatabaseSettings.model_validate({"url": url}), may_create=True)
        await upgrade(database)
        await database.dispose()
        groups: dict[str, dict[str, object]] = {"security": {"master_keys": new_master_key()}}
        apps = {name: create_app(make_settings(url, **groups, **more)) for name, more in _VARIANTS.items()}
        await _measure_requests(apps, rounds)
        await _measure_scrapes(apps["metrics"], seconds)


async def _measure_requests(apps: dict[str, FastAPI], rounds: int) -> None:
    costs: dict[str, list[float]] = {name: [] for name in apps}
    async with AsyncExitStack() as running:
        for app in apps.values():
            await running.enter_async_context(app.router.lifespan_context(app))
        for _ in range(rounds):
            for name, app in apps.items():
                await _ask(app, 20)
                began = time.thread_time()
                await _ask(app, _REQUESTS)
                costs[name].append(1e6 * (time.thread_time() - began) / _REQUESTS)
    best = {name: min(each) for name, each in costs.items()}
    rows = [(name, f"{cost:.1f}", f"{cost - best['nothing']:+.1f}") for name, cost in best.items()]
    print(table(("a request for the JWKS, watched by", "µs of processor time", "more than nothing"), rows), "\n")


async def _measure_scrapes(app: FastAPI, seconds: float) -> None:
    async with app.router.lifespan_context(app), _scrapable(app) as ports:
        await _ask(app, 100)
        rows = []
        for name, port in ports.items():
            with _scraping(port):
                waits = await _ask_for(app, seconds)
            figures = (1e3 * percentile(waits, 0.99), 1e3 * percentile(waits, 0.999), 1e3 * max(waits))
            rows.append((name, f"{len(waits) / seconds:,.0f}", *(f"{figure:.2f}" for figure in figures)))
    print(
        table((f"{_SCRAPES_A_SECOND} scrapes a second by", "requests/s", "p99, ms", "p99.9, ms", "longest, ms"), rows)
    )


@asynccontextmanager
async def _scrapable(app: FastAPI) -> AsyncIterator[dict[str, int | None]]:
    """Yield the ways to answer a scrape, by their ports: nobody asks, a thread as it is, or the event loop instead."""
    listener = bind("127.0.0.1", 0)
    serve_metrics(app, [listener])
    registry = CollectorRegistry()
    requests = app.state.request_meter

    class InMemory(Collector):
        def collect(self) -> Iterator[Metric]:
            return snapshot(app.state.runtime, requests)

    registry.register(InMemory())

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + generate_latest(registry))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield {
            "nobody": None,
            "a thread": listener.getsockname()[1],
            "the event loop": server.sockets[0].getsockname()[1],
        }


@contextmanager
def _scraping(port: int | None) -> Iterator[None]:
    """Let a process of its own scrape, as Prometheus is one."""
    if port is None:
        yield
        return
    scraper = subprocess.Popen([sys.executable, "-c", _SCRAPER, str(port), str(_SCRAPES_A_SECOND)])
    try:
        yield
    finally:
        scraper.kill()
        scraper.wait()


async def _ask_for(app: FastAPI, seconds: float) -> list[float]:
    """Ask one request after the other, and let the loop turn to others in between; return how long each took."""
    waits: list[float] = []
    ends = time.perf_counter() + seconds
    while (began := time.perf_counter()) < ends:
        await _ask(app, 1)
        await asyncio.sleep(0)
        waits.append(time.perf_counter() - began)
    return waits


async def _ask(app: FastAPI, times: int) -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_message: Message) -> None:
        pass

    for _ in range(times):
        await app({**_SCOPE, "state": {}}, receive, send)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    asyncio.run(main(rounds=arguments.rounds, seconds=arguments.seconds))
