"""Those who wait for the revocation feed, beside somebody who is far behind."""

import asyncio
import time

from httpx import AsyncClient

from auth_service.app import let_waiters_go
from tests.conftest import MakeUser
from tests.support.feed import FEED, Claims, digest_of, fetch_feed, record_ends, sign_out, verify_feed
from tests.support.service import Service
from tests.support.statements import every_statement


async def test_who_waits_is_told_as_soon_as_something_ends(
    service: Service, client: AsyncClient, make_user: MakeUser
) -> None:
    account, head = await make_user(), await fetch_feed(client)

    waiting = asyncio.create_task(fetch_feed(client, after=head["next"], epoch=head["epoch"], wait=10))
    await _someone_waits(service, 1)
    await sign_out(service, account)
    started = time.monotonic()
    news = await waiting

    assert [entry["digest"] for entry in news["entries"]] == [digest_of(account)]
    assert news["from"] == head["next"]
    assert time.monotonic() - started < 9  # it did not sit out its ten seconds


async def test_who_waits_in_vain_gets_a_fresh_statement_that_nothing_ended(client: AsyncClient) -> None:
    head = await fetch_feed(client)
    etag = f'W/"{head["epoch"]}.{head["seq"]}.{head["seq"]}.{head["seq"]}"'

    query = {"after": head["next"], "epoch": head["epoch"], "wait": "1"}
    response = await client.get(FEED, params=query, headers={"If-None-Match": etag})

    assert response.status_code == 200
    assert response.headers["etag"] == etag
    assert (await verify_feed(client, response))["entries"] == []


async def test_one_read_serves_all_who_wait_and_they_hold_no_connection(service: Service, client: AsyncClient) -> None:
    head = await fetch_feed(client)
    query = {"after": head["next"], "epoch": head["epoch"], "wait": 10}

    with every_statement(service) as statements:
        waiting = [asyncio.create_task(fetch_feed(client, **query)) for _ in range(16)]
        await _someone_waits(service, 16)
        let_waiters_go(service.app)
        answers = await asyncio.gather(*waiting)

    service.runtime.revocation_feed._released = False
    assert [answer["entries"] for answer in answers] == [[]] * 16
    assert 1 <= sum("FROM revocation_counter" in statement for statement in statements) <= 3
    assert service.runtime.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_one_who_is_far_behind_ends_nobody_elses_wait(service: Service, client: AsyncClient) -> None:
    await record_ends(service, 1100)
    head = await fetch_feed(client, after=1000)
    waiting = [
        asyncio.create_task(fetch_feed(client, after=head["seq"], epoch=head["epoch"], wait=10)) for _ in range(5)
    ]
    await _someone_waits(service, 5)

    behind = [await fetch_feed(client, after=0, wait=10) for _ in range(3)]
    still_waiting = service.runtime.revocation_feed.waiters
    await record_ends(service, 1)
    news = await asyncio.gather(*waiting)

    assert [len(page["entries"]) for page in behind] == [1000] * 3
    assert still_waiting == 5
    assert [len(page["entries"]) for page in news] == [1] * 5


async def test_who_is_far_behind_costs_the_others_neither_their_wait_nor_a_read(
    service: Service, client: AsyncClient
) -> None:
    head = await _with_a_long_list(service, client)
    query = {"epoch": head["epoch"], "wait": 10}

    with every_statement(service) as statements:
        waiting = [asyncio.create_task(fetch_feed(client, after=head["seq"], **query)) for _ in range(12)]
        behind = await fetch_feed(client, after=head["seq"] - 2100, **query)
        still_waiting = [task for task in waiting if not task.done()]
        let_waiters_go(service.app)
        await asyncio.gather(*waiting)

    service.runtime.revocation_feed._released = False
    assert (behind["from"], len(behind["entries"])) == (head["seq"] - 2100, 1000)
    assert len(still_waiting) == 12
    assert sum("FROM revocation_counter" in statement for statement in statements) <= 4


async def _with_a_long_list(service: Service, client: AsyncClient) -> Claims:
    """Record more than a page, let somebody wait for the last of it, and return where it ends."""
    await record_ends(service, 2100)
    head = await fetch_feed(client)
    await fetch_feed(client, after=head["seq"] - 1, epoch=head["epoch"], wait=10)
    return head


async def _someone_waits(service: Service, count: int) -> None:
    """Let others run until so many wait."""
    while service.runtime.revocation_feed.waiters < count:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)
