"""What only the tests of the edge need."""

from collections.abc import AsyncIterator

import pytest

from tests.support.attacks import Target, running_target
from tests.support.databases import Databases
from tests.support.settings import make_settings


@pytest.fixture(scope="session")
def target_database(database_kind: str, databases: Databases) -> str:
    return databases.migrated(database_kind)


@pytest.fixture(scope="session")
async def target(target_database: str) -> AsyncIterator[Target]:
    """A service that is only attacked: nothing may change in it."""
    async with running_target(make_settings(target_database)) as started:
        yield started
