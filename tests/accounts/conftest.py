"""The service whose mail the test composes, and the one where addresses have to be proven."""

from collections.abc import AsyncIterator

import pytest

from tests.support.databases import Databases
from tests.support.post import nobody_wakes_the_worker
from tests.support.service import Service, running_service
from tests.support.settings import make_settings
from tests.support.smtp import Mailbox

STRICT: dict[str, object] = {"verified_email_required": True}


@pytest.fixture
async def service(started_service: Service) -> AsyncIterator[Service]:
    async with nobody_wakes_the_worker(started_service):
        yield started_service
        await started_service.empty()


@pytest.fixture(scope="session")
def strict_database(database_kind: str, databases: Databases) -> str:
    return databases.migrated(database_kind)


@pytest.fixture(scope="session")
async def started_strict_service(strict_database: str, smtp_server: Mailbox) -> AsyncIterator[Service]:
    settings = make_settings(strict_database, accounts=STRICT, mail=smtp_server.settings)
    async with running_service(settings) as service:
        yield service


@pytest.fixture
async def strict(started_strict_service: Service) -> AsyncIterator[Service]:
    """Return it; what a test stores is removed after it."""
    async with nobody_wakes_the_worker(started_strict_service):
        yield started_strict_service
        await started_strict_service.empty()
