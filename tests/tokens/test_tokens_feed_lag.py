"""How late the revocation feed is: for whoever watches it, as long as somebody asks and is not told."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from auth_service.db.errors import DatabaseUnavailableError
from auth_service.tokens.revocation_feed import RevocationFeed
from auth_service.tokens.revocations import RevocationPage

NOW = datetime(2026, 11, 21, tzinfo=UTC)
NOTHING = RevocationPage(epoch="e", start=0, next=0, seq=0, entries=[], read_at=NOW)


class Primary:
    """A database that can be away, and a clock that the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_away = False
        self.reads = 0
        self.now = 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    async def read(self, _after: int, _epoch: str | None) -> RevocationPage:
        self.now += 0.02
        self.reads += 1
        if self.is_away:
            raise DatabaseUnavailableError
        return NOTHING


@pytest.fixture
def primary(monkeypatch: pytest.MonkeyPatch) -> Primary:
    return Primary(monkeypatch)


@pytest.fixture
def feed(primary: Primary) -> RevocationFeed:
    return RevocationFeed(primary.read, listed_for=timedelta(hours=1), places=0)


async def test_while_nobody_asks_nobody_is_late(feed: RevocationFeed, primary: Primary) -> None:
    primary.now += 3600

    assert (feed.lag_seconds, feed.length, feed.waiters) == (0, 0, 0)


async def test_who_is_told_ends_the_lag_and_the_read_is_timed(feed: RevocationFeed) -> None:
    await feed.page(0, None, wait=timedelta())

    assert feed.lag_seconds == 0
    assert feed.reads.total_seconds == pytest.approx(0.02)


async def test_a_read_that_fails_leaves_a_lag_that_grows_until_one_succeeds(
    feed: RevocationFeed, primary: Primary
) -> None:
    primary.is_away = True
    for _ in range(2):
        with pytest.raises(DatabaseUnavailableError):
            await feed.page(0, None, wait=timedelta())
        primary.now += 30
    late = feed.lag_seconds
    primary.is_away = False
    await feed.page(0, None, wait=timedelta())

    assert late == pytest.approx(60.04)
    assert feed.lag_seconds == 0


async def test_those_for_whom_there_is_no_place_to_wait_are_told_what_was_read_a_moment_ago(
    feed: RevocationFeed, primary: Primary
) -> None:
    told = [await feed.page(0, None, wait=timedelta(seconds=10)) for _ in range(100)]
    read_for_a_hundred = primary.reads
    primary.now += 0.5
    await feed.page(0, None, wait=timedelta(seconds=10))

    assert told == [NOTHING] * 100
    assert (read_for_a_hundred, primary.reads) == (1, 2)
