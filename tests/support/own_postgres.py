"""A PostgreSQL that a test may stop, kill or freeze."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.postgres import PostgresNotFoundError, PostgresServer


@contextmanager
def own_postgres() -> Iterator[PostgresServer]:
    """Yield one that runs; where there is no PostgreSQL skip the test, or fail it where that must be there."""
    try:
        server = PostgresServer()
    except PostgresNotFoundError as error:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"there is no PostgreSQL: {error}")
    with server:
        yield server
