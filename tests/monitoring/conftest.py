"""A service that counts its requests, with its metrics beside it."""

from collections.abc import AsyncIterator

import pytest

from auth_service.monitoring import collector, outbox_watch
from tests.support.metrics import PATIENCE_SECONDS, Scraped, scraped
from tests.support.service import Service, running_service
from tests.support.settings import make_settings


@pytest.fixture
async def watched(migrated_database: str) -> AsyncIterator[Service]:
    """Return a service of the test's own: others would be counted too."""
    limits: dict[str, object] = {"guesses_per_pair": 3}
    settings = make_settings(migrated_database, metrics={"port": 9464}, throttle=limits)
    async with running_service(settings) as service:
        yield service


@pytest.fixture
async def metrics(watched: Service, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scraped]:
    monkeypatch.setattr(outbox_watch, "PATIENCE_SECONDS", PATIENCE_SECONDS)  # machines that test are busy
    monkeypatch.setattr(collector, "_LONGEST_SCRAPE_SECONDS", PATIENCE_SECONDS)
    async with scraped(watched) as metrics:
        yield metrics
