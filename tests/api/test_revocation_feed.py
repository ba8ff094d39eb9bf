"""The revocation feed over HTTP, read as docs/revocation-feed.md says."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from httpx import AsyncClient
from sqlalchemy import update
from sqlmodel import col, select

from auth_service.tokens.models import RevocationCounter, RevocationRecord
from auth_service.tokens.revocations import RevocationKind, revocation_digest
from tests.conftest import MakeUser
from tests.support.feed import FEED, digest_of, fetch_feed, record_ends, sign_out, verify_feed
from tests.support.service import Service
from tests.support.statements import every_statement
from tests.support.tokens import assert_invalid_token, read_me


async def test_the_document_says_what_ended_until_when_and_for_how_long_that_matters(
    service: Service, client: AsyncClient, make_user: MakeUser
) -> None:
    account = await make_user()
    before = await fetch_feed(client)

    await sign_out(service, account)
    claims = await fetch_feed(client)

    assert claims == {
        "iss": "http://127.0.0.1:8000",
        "iat": claims["iat"],
        "exp": claims["iat"] + 15,
        "epoch": before["epoch"],
        "from": 0,
        "next": before["seq"] + 1,
        "seq": before["seq"] + 1,
        "keep": 630,
        "entries": [{"kind": "sid", "digest": digest_of(account), "before": claims["entries"][0]["before"]}],
    }
    assert claims["iat"] + 29 <= claims["entries"][0]["before"] <= claims["iat"] + 31
    assert before["entries"] == []


async def test_the_digest_is_the_one_of_the_specification() -> None:
    expected = "17faHiXnvUjEkvBPitbsoDUsQ6ikJ8Wx7EJchNkSNlM"

    digest = revocation_digest(RevocationKind.SESSION, "0192f6a0-0000-7000-8000-000000000001")

    assert digest == expected


async def test_behind_a_cursor_there_is_only_what_came_later(service: Service, client: AsyncClient) -> None:
    await record_ends(service, 2)
    first = await fetch_feed(client)
    await record_ends(service, 3)

    later = await fetch_feed(client, after=first["next"], epoch=first["epoch"])
    nothing = await fetch_feed(client, after=later["next"], epoch=first["epoch"])

    assert (later["from"], later["next"], len(later["entries"])) == (first["next"], first["next"] + 3, 3)
    assert (nothing["from"], nothing["next"], nothing["entries"]) == (later["next"], later["next"], [])


@pytest.mark.parametrize("wait", [0, 1])
async def test_a_cursor_ahead_of_the_head_or_of_another_epoch_gets_the_full_list(
    service: Service, client: AsyncClient, wait: int
) -> None:
    await record_ends(service, 2)
    head = await fetch_feed(client)

    ahead = await fetch_feed(client, after=head["seq"] + 1, epoch=head["epoch"], wait=wait)
    restored = await fetch_feed(client, after=head["seq"], epoch="another", wait=wait)

    assert (ahead["from"], ahead["entries"]) == (0, head["entries"])
    assert (restored["from"], restored["entries"], restored["epoch"]) == (0, head["entries"], head["epoch"])


async def test_a_database_that_was_replaced_has_another_epoch(service: Service, client: AsyncClient) -> None:
    before = await fetch_feed(client)
    async with service.runtime.database.transaction(writing=True) as session:
        await session.exec(update(RevocationCounter).values(epoch="f" * 32))

    after = await fetch_feed(client)

    assert after["epoch"] != before["epoch"]


async def test_a_long_list_comes_in_pages(service: Service, client: AsyncClient) -> None:
    await record_ends(service, 2100)

    pages = [await fetch_feed(client)]
    while pages[-1]["next"] < pages[-1]["seq"]:
        pages.append(await fetch_feed(client, after=pages[-1]["next"], epoch=pages[-1]["epoch"]))
    waited = await fetch_feed(client, after=pages[0]["next"], epoch=pages[0]["epoch"], wait=1)

    assert [len(page["entries"]) for page in pages] == [1000, 1000, 100]
    digests = {entry["digest"] for page in pages for entry in page["entries"]}
    assert digests == {revocation_digest(RevocationKind.SESSION, f"session {number}") for number in range(2100)}
    assert waited["entries"] == pages[1]["entries"]


@pytest.mark.parametrize("known_before", [False, True], ids=["read anew", "held already"])
async def test_an_entry_is_listed_for_a_minute_longer_than_it_matters(
    service: Service, client: AsyncClient, monkeypatch: pytest.MonkeyPatch, *, known_before: bool
) -> None:
    await record_ends(service, 2)
    first, second = [entry["digest"] for entry in (await fetch_feed(client))["entries"]]
    ages = {first: 630 + 60 + 5, second: 630 + 60 - 30}
    if known_before:
        feed = service.runtime.revocation_feed
        assert feed._list is not None
        aged = [one._replace(before=one.before - ages[one.digest] - 30) for one in feed._list.entries]
        monkeypatch.setattr(feed, "_list", replace(feed._list, entries=aged))
    else:
        await _let_age(service, ages)

    listed = await fetch_feed(client)

    assert [entry["digest"] for entry in listed["entries"]] == [second]


async def _let_age(service: Service, ages: dict[str, int]) -> None:
    """Move the time of entries in the database back, and let the service forget what it knew."""
    now = datetime.now(UTC)
    async with service.runtime.database.transaction(writing=True) as session:
        for digest, seconds in ages.items():
            age = update(RevocationRecord).where(col(RevocationRecord.digest) == digest)
            await session.exec(age.values(before=now - timedelta(seconds=seconds)))
    service.runtime.revocation_feed._list = None


async def test_many_who_read_at_once_share_the_reads(service: Service, client: AsyncClient) -> None:
    await record_ends(service, 1500)

    with every_statement(service) as statements:
        answers = await asyncio.gather(*(fetch_feed(client, after=number % 7) for number in range(20)))

    assert [len(answer["entries"]) for answer in answers] == [1000] * 20
    assert sum("FROM revocation_counter" in statement for statement in statements) < 10


async def test_what_was_recorded_before_a_request_is_in_its_answer(service: Service, client: AsyncClient) -> None:
    async def record_and_read() -> int:
        async with service.runtime.unit_of_work(writing=True) as work:
            await work.revocations.record(RevocationKind.SESSION, ["one"])
            seq = (await work.session.exec(select(RevocationCounter.seq))).one()
        return int((await fetch_feed(client))["seq"]) - seq

    ahead = await asyncio.gather(*(record_and_read() for _ in range(20)))

    assert min(ahead) >= 0


async def test_a_hundred_entries_are_small(service: Service, client: AsyncClient) -> None:
    await record_ends(service, 100)

    response = await client.get(FEED)

    assert len((await verify_feed(client, response))["entries"]) == 100
    assert len(response.content) < 20_000


async def test_who_has_it_already_gets_nothing_that_could_be_taken_for_news(
    service: Service, client: AsyncClient
) -> None:
    await record_ends(service, 1)
    etag = (await client.get(FEED)).headers["etag"]

    unchanged = await client.get(FEED, headers={"If-None-Match": etag})
    await record_ends(service, 1)
    changed = await client.get(FEED, headers={"If-None-Match": etag})

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["etag"] == etag
    assert unchanged.headers["cache-control"] == "no-cache"
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


@pytest.mark.parametrize(
    "query",
    [
        "after=-1",
        "after=x",
        "after=1.5",
        "after=9223372036854775808",
        "wait=-1",
        "wait=11",
        "wait=forever",
        "epoch=" + "a" * 65,
        "epoch=%00",
        "since=1",
    ],
)
async def test_a_malformed_parameter_is_refused(client: AsyncClient, query: str) -> None:
    response = await client.get(f"{FEED}?{query}")

    answer, name = response.json(), query.partition("=")[0]
    assert (response.status_code, answer["error"]) == (400, "invalid_request")
    assert answer["error_description"].startswith("an unknown parameter: " if name == "since" else f"{name}: ")
    assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", answer["error_description"])  # RFC 6749 section 5.2
    assert response.headers["cache-control"] == "no-store"


async def test_the_document_is_no_access_token(service: Service, client: AsyncClient) -> None:
    document = (await client.get(FEED)).text

    assert_invalid_token(await read_me(service, document))


async def test_what_is_rolled_back_takes_no_number(service: Service, client: AsyncClient) -> None:
    head = await fetch_feed(client)

    async with service.runtime.unit_of_work(writing=True) as work:
        await work.revocations.record(RevocationKind.CLIENT, ["client_x"])
        await work.session.rollback()
    await record_ends(service, 1)

    news = await fetch_feed(client, after=head["next"], epoch=head["epoch"])
    assert (news["next"], len(news["entries"])) == (head["next"] + 1, 1)
