"""The service where addresses have to be proven."""

from collections.abc import AsyncIterator

import pytest

from tests.support.databases import Databases
from tests.support.service import Service, running_service
from tests.support.settings import make_settings

STRICT = {"verified_email_required": True}


@pytest.fixture(scope="session")
def strict_database(database_kind: str, databases: Databases) -> str:
    return databases.migrated(database_kind)


@pytest.fixture(scope="session")
async def started_strict_service(strict_database: str) -> AsyncIterator[Service]:
    async with running_service(make_settings(strict_database, accounts=STRICT)) as service:
        yield service


@pytest.fixture
async def strict(started_strict_service: Service) -> AsyncIterator[Service]:
    """Return it; what a test stores is removed after it."""
    yield started_strict_service
    await started_strict_service.empty()
