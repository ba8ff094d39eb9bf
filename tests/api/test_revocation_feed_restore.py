"""A database that was put back in place, and the statement that docs/revocation-feed.md has for its operator."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy import delete, update
from sqlmodel import col, select

from auth_service.tokens.models import RevocationCounter, RevocationRecord
from auth_service.tokens.revocations import RevocationKind
from auth_service_client.async_verifier import AsyncVerifier
from auth_service_client.errors import InvalidTokenError, ServiceUnavailableError
from auth_service_client.settings import VerifierSettings
from tests.conftest import MakeUser
from tests.support.commands import ROOT
from tests.support.feed import fetch_feed, sign_out
from tests.support.service import Service, running_service
from tests.support.settings import ISSUER

PAGE = (ROOT / "docs" / "revocation-feed.md").read_text(encoding="utf-8")
STATEMENTS = dict(re.findall(r"^```sql title=(\w+)\n(.*?);\n```$", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture
async def another_replica(service: Service) -> AsyncIterator[Service]:
    async with running_service(service.runtime.settings) as replica:
        yield replica


@pytest.fixture
async def verifier(service: Service, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsyncVerifier]:
    """Return one of the client package that follows the service, and asks again at once when that fails."""
    monkeypatch.setattr("auth_service_client.upkeep.random.uniform", lambda *_: 0.0)
    settings = VerifierSettings(issuer=ISSUER, audience=ISSUER)
    async with AsyncVerifier(settings, transport=ASGITransport(service.app)) as verifier:
        yield verifier


async def _run_the_statement_of_the_page(service: Service) -> None:
    database = service.runtime.database
    async with database.transaction(writing=True) as session:
        connection = await session.connection()
        changed = await connection.exec_driver_sql(STATEMENTS[database.engine.dialect.name])
    assert changed.rowcount == 1


async def _last_number(service: Service) -> int:
    async with service.runtime.database.transaction(writing=False) as session:
        return (await session.exec(select(RevocationCounter.seq))).one()


async def _go_back_to(service: Service, number: int) -> None:
    """Leave what a restore of a backup leaves that was made when `number` was the last one."""
    async with service.runtime.database.transaction(writing=True) as session:
        await session.exec(delete(RevocationRecord).where(col(RevocationRecord.seq) > number))
        await session.exec(update(RevocationCounter).values(seq=number))


async def _record(service: Service, *values: str) -> None:
    async with service.runtime.unit_of_work(writing=True) as work:
        await work.revocations.record(RevocationKind.SESSION, values)


async def _someone_waits(service: Service) -> None:
    while not service.runtime.revocation_feed.waiters:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)


def test_the_page_has_one_statement_for_each_database() -> None:
    assert STATEMENTS.keys() == {"postgresql", "sqlite"}


async def test_the_statement_stores_a_random_epoch_of_the_size_that_there_is_room_for(service: Service) -> None:
    stored = []
    for _ in range(2):
        await _run_the_statement_of_the_page(service)
        async with service.runtime.database.transaction(writing=False) as session:
            stored.append((await session.exec(select(RevocationCounter.epoch))).one())

    assert [re.fullmatch("[0-9a-f]{32}", epoch) is not None for epoch in stored] == [True, True]
    assert stored[0] != stored[1]


async def test_every_running_replica_follows_the_statement_at_once(service: Service, another_replica: Service) -> None:
    await _record(service, "one", "two", "lost")
    held = [await fetch_feed(replica.client) for replica in (service, another_replica)]
    last = held[0]["seq"]

    await _go_back_to(service, last - 1)
    await _run_the_statement_of_the_page(service)
    query = {"after": last, "epoch": held[0]["epoch"]}
    full = [await fetch_feed(replica.client, **query) for replica in (service, another_replica)]

    assert held[0]["epoch"] == held[1]["epoch"] != full[0]["epoch"] == full[1]["epoch"]
    for answer in full:
        assert (answer["from"], answer["next"], answer["seq"]) == (0, last - 1, last - 1)
        assert answer["entries"] == held[0]["entries"][:2]


async def test_numbers_that_were_handed_out_twice_hide_nothing_from_who_gets_the_new_epoch(
    service: Service, client: AsyncClient
) -> None:
    await _record(service, "one", "lost", "lost too")
    held = await fetch_feed(client)

    await _go_back_to(service, held["seq"] - 2)
    await _record(service, "two", "three", "four")
    await _run_the_statement_of_the_page(service)
    full = await fetch_feed(client, after=held["next"], epoch=held["epoch"])

    assert (full["from"], full["seq"], len(full["entries"])) == (0, held["seq"] + 1, 4)
    assert full["entries"][0] == held["entries"][0]
    assert not any(lost in full["entries"] for lost in held["entries"][1:])


async def test_who_waits_is_told_of_the_new_epoch(service: Service, client: AsyncClient) -> None:
    await _record(service, "one")
    head = await fetch_feed(client)
    waiting = asyncio.create_task(fetch_feed(client, after=head["next"], epoch=head["epoch"], wait=10))
    await _someone_waits(service)

    await _run_the_statement_of_the_page(service)
    async with asyncio.timeout(9):  # it does not sit out its ten seconds
        news = await waiting

    assert (news["from"], news["entries"]) == (0, head["entries"])
    assert news["epoch"] != head["epoch"]


async def test_the_client_refuses_the_restored_feed_until_it_has_a_new_epoch_and_keeps_what_it_knew(
    service: Service, make_user: MakeUser, verifier: AsyncVerifier
) -> None:
    lost, ended_later, other = [await make_user() for _ in range(3)]
    backup = await _last_number(service)
    await sign_out(service, lost)
    await verifier.catch_up()

    await _go_back_to(service, backup)
    for _ in range(2):
        with pytest.raises(ServiceUnavailableError, match="older state"):
            await verifier.catch_up()
    await _run_the_statement_of_the_page(service)
    await sign_out(service, ended_later)
    await verifier.catch_up()

    for account in (lost, ended_later):
        with pytest.raises(InvalidTokenError, match="revoked"):
            await verifier.verify(account.token)
    assert (await verifier.verify(other.token)).subject == str(other.id)
