"""While the database is away a scrape says so, in time, and has all that is in memory."""

import asyncio

import pytest

from auth_service.db.errors import DatabaseUnavailableError
from tests.support.database_faults import unusable
from tests.support.metrics import Scraped
from tests.support.service import Service, bearer


async def test_it_says_what_is_missing_and_since_when_and_recovers(
    watched: Service, metrics: Scraped, migrated_database: str
) -> None:
    if migrated_database.startswith("sqlite"):
        pytest.skip("on SQLite who reads is not kept from it by who writes")
    ann = await watched.make_user()
    fault = unusable(migrated_database)

    await asyncio.to_thread(fault.__enter__)
    statuses = [(await watched.client.get(path, headers=bearer(ann))).status_code for path in ("/users/me", "/livez")]
    refused = await watched.client.get("/oauth/revocations")
    away = await metrics.scrape()
    await asyncio.to_thread(fault.__exit__, None, None, None)
    answered = await watched.client.get("/oauth/revocations")
    back = await metrics.scrape()

    assert (statuses, refused.status_code, answered.status_code) == ([503, 200], 503, 200)
    assert away.by("code", "unavailable_total") == {DatabaseUnavailableError.code: 2}
    assert away.value("outbox_up") == 0
    assert away.value("outbox_waiting") is None
    assert away.value("outbox_unread_total", reason="unavailable") == 1
    assert (away.value("feed_lag_seconds") or 0) > 0
    assert away.value("can_sign") == 1
    assert back.value("feed_lag_seconds") == 0
