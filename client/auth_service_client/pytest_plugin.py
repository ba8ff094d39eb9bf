"""The pytest fixture `auth_issuer`; pytest finds it when the package is installed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from auth_service_client.testing import LocalIssuer


@pytest.fixture
def auth_issuer() -> "Iterator[LocalIssuer]":
    """Give the test an issuer of its own, on 127.0.0.1."""
    # Every run of pytest loads this file: what only some tests need is imported by them, after coverage has begun.
    from auth_service_client.testing import LocalIssuer  # noqa: PLC0415

    with LocalIssuer() as issuer:
        yield issuer
