"""A service that counts its requests, with its metrics beside it."""

from collections.abc import AsyncIterator

import pytest

from tests.support.metrics import Scraped, scraped
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
async def metrics(watched: Service) -> AsyncIterator[Scraped]:
    async with scraped(watched) as metrics:
        yield metrics
