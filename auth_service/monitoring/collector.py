"""Collects the figures of this process for whoever scrapes: those in memory, and those that the event loop asks for."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from auth_service.mail.backlog import Backlog, read_backlog
from auth_service.monitoring.exposition import outbox, snapshot
from auth_service.monitoring.families import gauge
from auth_service.monitoring.outbox_watch import PATIENCE_SECONDS, OutboxWatch
from auth_service.monitoring.request_meter import RequestMeter
from auth_service.wiring.runtime import Runtime

_LONGEST_SCRAPE_SECONDS = 1.5 * PATIENCE_SECONDS  # Prometheus waits for 10 s by default


class ServiceCollector(Collector):
    """Called by the threads that serve scrapes, which wait for the event loop, but not for long."""

    def __init__(self, runtime: Runtime, requests: RequestMeter, loop: asyncio.AbstractEventLoop) -> None:
        """Read what is in memory here, and ask the database in `loop`."""
        self._runtime = runtime
        self._requests = requests
        self._loop = loop
        self.watch = OutboxWatch(self._read_backlog)

    def describe(self) -> list[Metric]:
        """Say nothing at the registration: there is a loop to ask, which waits for it."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; what the loop did not say in time is left out."""
        backlog, delay = self._ask_loop()
        yield from snapshot(self._runtime, self._requests)
        yield gauge("event_loop_delay_seconds", "How long the event loop took to hear of this scrape.", delay)
        yield from outbox(self.watch, backlog)

    def _ask_loop(self) -> tuple[Backlog | None, float]:
        began = time.perf_counter()
        heard: list[float] = []

        async def ask() -> Backlog | None:
            heard.append(time.perf_counter())
            return await self.watch.answer()

        asked = asyncio.run_coroutine_threadsafe(ask(), self._loop)
        try:
            backlog = asked.result(_LONGEST_SCRAPE_SECONDS)
        except (TimeoutError, CancelledError):
            asked.cancel()
            backlog = None
        return backlog, (heard[0] if heard else time.perf_counter()) - began

    async def _read_backlog(self) -> Backlog:
        async with self._runtime.database.transaction(writing=False) as session:
            return await read_backlog(session)
