"""Who may wait for the revocation feed: few connections of a process, fewer of a network, none of those who left."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import fail_after
from httpx import ASGITransport, AsyncClient
from starlette.types import Message, Scope

from auth_service.app import let_waiters_go
from auth_service.tokens.revocation_feed import MOST_PER_NETWORK
from tests.support.feed import FEED, Claims, fetch_feed
from tests.support.service import Service, running_service
from tests.support.settings import make_settings

PATIENCE_SECONDS = 5  # half of what those wait who are waited for


@asynccontextmanager
async def _behind_a_proxy(database: str, *, max_connections: int) -> AsyncIterator[Service]:
    http: dict[str, object] = {"trusted_hops": 1, "max_connections": max_connections}
    async with running_service(make_settings(database, http=http)) as service:
        yield service


async def _follow(service: Service, network: str, head: Claims) -> Claims:
    transport = ASGITransport(service.app, client=("10.0.0.1", 50_000))
    headers = {"X-Forwarded-For": network}
    async with AsyncClient(transport=transport, base_url="http://auth.test", headers=headers) as client:
        return await fetch_feed(client, after=head["next"], epoch=head["epoch"], wait=10)


async def _some_wait(service: Service, count: int) -> None:
    """Let others run until so many wait."""
    with fail_after(PATIENCE_SECONDS):
        while service.runtime.revocation_feed.waiters != count:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)


async def test_when_a_quarter_of_the_connections_wait_others_are_told_at_once(migrated_database: str) -> None:
    async with _behind_a_proxy(migrated_database, max_connections=8) as service:
        head = await fetch_feed(service.client)
        waiting = [asyncio.create_task(_follow(service, f"198.51.100.{number}", head)) for number in range(2)]
        await _some_wait(service, 2)

        told = await _follow(service, "203.0.113.7", head)
        ended = [task for task in waiting if task.done()]
        let_waiters_go(service.app)
        await asyncio.gather(*waiting)

    assert (told["entries"], told["next"]) == ([], head["next"])
    assert ended == []


async def test_who_takes_all_places_of_a_network_leaves_those_of_others(migrated_database: str) -> None:
    async with _behind_a_proxy(migrated_database, max_connections=1_000) as service:
        head = await fetch_feed(service.client)
        waiting = [asyncio.create_task(_follow(service, "203.0.113.7", head)) for _ in range(MOST_PER_NETWORK)]
        await _some_wait(service, MOST_PER_NETWORK)

        told = await _follow(service, "203.0.113.7", head)
        waiting.append(asyncio.create_task(_follow(service, "203.0.113.8", head)))
        await _some_wait(service, MOST_PER_NETWORK + 1)
        ended = [task for task in waiting if task.done()]
        let_waiters_go(service.app)
        await asyncio.gather(*waiting)

    assert told["entries"] == []
    assert ended == []
    assert service.runtime.revocation_feed._waiters == {}


async def test_who_hangs_up_leaves_the_place_to_others(service: Service) -> None:
    head = await fetch_feed(service.client)
    hung_up, messages = asyncio.Event(), iter([{"type": "http.request", "body": b"", "more_body": False}])
    query = f"after={head['next']}&epoch={head['epoch']}&wait=10".encode()

    async def receive() -> Message:
        if (message := next(messages, None)) is None:
            await hung_up.wait()
            message = {"type": "http.disconnect"}
        return message

    async def send(_message: Message) -> None:
        """Send it to nobody."""

    scope: Scope = {"type": "http", "method": "GET", "path": FEED, "query_string": query, "headers": [], "client": None}
    waiting = asyncio.create_task(service.app(scope, receive, send))
    await _some_wait(service, 1)
    hung_up.set()
    await _some_wait(service, 0)

    await waiting
