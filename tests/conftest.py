"""What every test can ask for: the service over either database, people who use it, and new databases."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import structlog
from httpx import AsyncClient
from structlog.dev import ConsoleRenderer, plain_traceback

from tests.support.databases import KINDS, Databases
from tests.support.postgres import PostgresNotFoundError, running_postgres
from tests.support.service import Account, Service, running_service
from tests.support.settings import make_settings
from tests.support.smtp import Mailbox, running_mailbox

MakeUser = Callable[..., Awaitable[Account]]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Both kinds of databases; a missing PostgreSQL is said loudly, and fails where it must not be missing."""
    folder = tmp_path_factory.mktemp("databases")
    try:
        with running_postgres() as url:
            made = Databases(folder, url)
            yield made
            if "TEST_DATABASE_URL" in os.environ:  # a server of our own is removed as a whole
                made.drop_all()
    except PostgresNotFoundError:
        if os.environ.get("CI") == "true":
            raise
        yield Databases(folder, None)


@pytest.fixture(params=KINDS, scope="session")
def database_kind(request: pytest.FixtureRequest, databases: Databases) -> str:
    kind: str = request.param
    if kind == "postgresql" and databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    return kind


@pytest.fixture
def empty_database(database_kind: str, databases: Databases) -> str:
    """Return the URL of a database of the test's own, without a schema."""
    return databases.empty(database_kind)


@pytest.fixture
def migrated_database(database_kind: str, databases: Databases) -> str:
    """Return the URL of a database of the test's own, with the newest schema."""
    return databases.migrated(database_kind)


@pytest.fixture(scope="session")
def shared_database(database_kind: str, databases: Databases) -> str:
    return databases.migrated(database_kind)


@pytest.fixture(scope="session")
def smtp_server() -> Iterator[Mailbox]:
    with running_mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def mailbox(smtp_server: Mailbox) -> Iterator[Mailbox]:
    """Return what `service` sends by mail; `mailbox.settings` make another one send there too."""
    smtp_server.empty()
    yield smtp_server
    smtp_server.empty()


@pytest.fixture(scope="session")
async def started_service(shared_database: str, smtp_server: Mailbox) -> AsyncIterator[Service]:
    """One application for all tests of a database: what a test stores is removed after it."""
    async with running_service(make_settings(shared_database, mail=smtp_server.settings)) as service:
        yield service


@pytest.fixture
async def service(started_service: Service) -> AsyncIterator[Service]:
    yield started_service
    await started_service.empty()


@pytest.fixture
def client(service: Service) -> AsyncClient:
    return service.client


@pytest.fixture
def make_user(service: Service) -> MakeUser:
    return service.make_user


@pytest.fixture
def make_admin(service: Service) -> MakeUser:
    return service.make_admin


@pytest.fixture
def make_item(service: Service) -> Callable[..., Awaitable[dict[str, Any]]]:
    return service.make_item


def pytest_configure() -> None:
    """Log faults in short: the default prints every local variable, which takes half a minute for a deep one."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, ConsoleRenderer(exception_formatter=plain_traceback)]
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it loudly when half of the tests did not run."""
    if any("there is no PostgreSQL" in str(report.longrepr) for report in terminalreporter.getreports("skipped")):
        terminalreporter.write_line(
            "NOT TESTED ON POSTGRESQL: none was found. See TEST_DATABASE_URL.", red=True, bold=True
        )
