"""Those who wait for the revocation feed, beside somebody who is far behind."""

import asyncio

from httpx import AsyncClient

from auth_service.app import let_waiters_go
from auth_service.tokens.revocations import RevocationKind
from tests.support.feed import Claims, fetch_feed
from tests.support.service import Service
from tests.support.statements import every_statement


async def test_who_is_far_behind_costs_the_others_neither_their_wait_nor_a_read(
    service: Service, client: AsyncClient
) -> None:
    head = await _with_a_long_list(service, client)
    query = {"epoch": head["epoch"], "wait": 10}

    with every_statement(service) as statements:
        waiting = [asyncio.create_task(fetch_feed(client, after=head["seq"], **query)) for _ in range(20)]
        behind = await fetch_feed(client, after=head["seq"] - 2100, **query)
        still_waiting = [task for task in waiting if not task.done()]
        let_waiters_go(service.app)
        await asyncio.gather(*waiting)

    service.runtime.revocation_feed._released = False
    assert (behind["from"], len(behind["entries"])) == (head["seq"] - 2100, 1000)
    assert len(still_waiting) == 20
    assert sum("FROM revocation_counter" in statement for statement in statements) <= 4


async def _with_a_long_list(service: Service, client: AsyncClient) -> Claims:
    """Record more than a page, let somebody wait for the last of it, and return where it ends."""
    async with service.runtime.unit_of_work(writing=True) as work:
        await work.revocations.record(RevocationKind.SESSION, [f"session {number}" for number in range(2100)])
    head = await fetch_feed(client)
    await fetch_feed(client, after=head["seq"] - 1, epoch=head["epoch"], wait=10)
    return head
