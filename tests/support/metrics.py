"""The metrics of a service under test, as Prometheus gets to read them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.request import urlopen

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from auth_service.monitoring.collector import ServiceCollector
from auth_service.monitoring.exporter import MetricsServer
from tests.support.service import Service

PATIENCE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Scrape:
    """One answer of /metrics; `value` finds one sample, None when there is none."""

    text: str

    @property
    def families(self) -> list[Metric]:
        return list(text_string_to_metric_families(self.text))

    def value(self, name: str, **labels: str) -> float | None:
        found = [
            sample.value
            for family in self.families
            for sample in family.samples
            if sample.name == f"auth_service_{name}" and sample.labels == labels
        ]
        assert len(found) < 2, found
        return found[0] if found else None

    def by(self, label: str, name: str) -> Mapping[str, float]:
        """Return the samples of a metric by one label, those that count nothing left out."""
        samples = [sample for family in self.families for sample in family.samples]
        wanted = [sample for sample in samples if sample.name == f"auth_service_{name}" and sample.value]
        return {sample.labels[label]: sample.value for sample in wanted}


@dataclass(frozen=True, slots=True)
class Scraped:
    """Where to scrape."""

    port: int

    async def scrape(self) -> Scrape:
        return await asyncio.to_thread(self.scrape_while_the_caller_waits)

    def scrape_while_the_caller_waits(self) -> Scrape:
        return scrape(self.port)


def scrape(port: int) -> Scrape:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_SECONDS) as answer:
        return Scrape(answer.read().decode())


@asynccontextmanager
async def scraped(service: Service) -> AsyncIterator[Scraped]:
    """Serve the metrics of a running service for as long as the block lasts."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = MetricsServer(service.runtime, service.app.state.request_meter, listener)
    try:
        yield Scraped(listener.getsockname()[1])
    finally:
        await server.close()


async def families_of(service: Service) -> list[Metric]:
    """Return every metric of a service, also those that have counted nothing yet."""
    collector = ServiceCollector(service.runtime, service.app.state.request_meter, asyncio.get_running_loop())
    try:
        return await asyncio.to_thread(lambda: list(collector.collect()))
    finally:
        await collector.watch.close()


def labels_of(family: Metric) -> tuple[str, ...]:
    """Return the names of its labels, which it keeps to itself."""
    return tuple(family._labelnames)  # type: ignore[attr-defined]
