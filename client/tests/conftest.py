"""What the tests of the client share."""

import pytest

from auth_service_client.pytest_plugin import auth_issuer

__all__ = ["auth_issuer"]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
