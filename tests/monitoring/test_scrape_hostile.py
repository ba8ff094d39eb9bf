"""Those who may reach the port of the metrics and mean harm keep no scraper out."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection

import pytest

from auth_service.monitoring import exporter
from tests.support.metrics import PATIENCE_SECONDS, Scraped


def _connect(metrics: Scraped) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", metrics.port))
    connection.settimeout(PATIENCE_SECONDS)
    return connection


@contextmanager
def _dribbling(metrics: Scraped, count: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as held:
        connections = [held.enter_context(_connect(metrics)) for _ in range(count)]
        for connection in connections:
            connection.sendall(b"GET /metr")
        yield connections


async def test_whoever_takes_all_places_and_dribbles_keeps_nobody_from_scraping(
    metrics: Scraped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "_HEAD_SECONDS", 3600)
    with _dribbling(metrics, exporter.MOST_AT_ONCE) as connections:
        scraped = [await metrics.scrape() for _ in range(2)]
        first_heard = await asyncio.to_thread(connections[0].recv, 1)
        connections[-1].sendall(b"ics HTTP/1.1\r\n\r\n")
        last_heard = await asyncio.to_thread(connections[-1].recv, 15)

    assert [each.value("can_sign") for each in scraped] == [1, 1]
    assert first_heard == b""
    assert last_heard == b"HTTP/1.0 200 OK"  # one place was wanted, so one was taken


async def test_those_who_are_being_answered_keep_their_places(
    metrics: Scraped, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Semaphore(0), threading.Event()

    def choose_slowly(_accept: str) -> tuple[Callable[[object], bytes], str]:
        begun.release()
        may_end.wait(PATIENCE_SECONDS)
        return lambda _registry: b"", "text/plain"

    monkeypatch.setattr(exporter, "choose_encoder", choose_slowly)
    with _dribbling(metrics, exporter.MOST_AT_ONCE) as connections:
        for connection in connections:
            connection.sendall(b"ics HTTP/1.1\r\n\r\n")
        all_begun = [await asyncio.to_thread(begun.acquire, timeout=PATIENCE_SECONDS) for _ in connections]
        with _connect(metrics) as too_many:
            too_many_heard = await asyncio.to_thread(too_many.recv, 1)
        may_end.set()
        heard = [await asyncio.to_thread(connection.recv, 15) for connection in connections]

    assert all(all_begun)
    assert too_many_heard == b""
    assert heard == [b"HTTP/1.0 200 OK"] * exporter.MOST_AT_ONCE


async def test_whoever_does_not_finish_a_request_is_hung_up_on(
    metrics: Scraped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "_HEAD_SECONDS", 0.05)

    with _connect(metrics) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
        heard = await asyncio.to_thread(connection.recv, 1)

    assert heard == b""


@pytest.mark.parametrize("media_type", ["application/openmetrics-text", "text/plain"])
@pytest.mark.parametrize("version", ["abc", "1.x.0", "\xb2", "1" * 5_000])
async def test_a_version_that_is_none_is_refused(metrics: Scraped, media_type: str, version: str) -> None:
    def ask() -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", metrics.port, timeout=PATIENCE_SECONDS)
        connection.request("GET", "/metrics", headers={"Accept": f"{media_type}; version={version}"})
        with connection.getresponse() as answer:
            return answer.status, answer.read()

    assert await asyncio.to_thread(ask) == (406, b"Accept names no version that there is.\n")
