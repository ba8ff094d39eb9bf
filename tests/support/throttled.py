"""The service with limits that a test can reach, and callers at different addresses."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from httpx import ASGITransport, AsyncClient, Response
from pydantic import SecretStr

from auth_service.security.passwords import PasswordHasher, Verification
from tests.support.service import PASSWORD, Service, running_service
from tests.support.settings import make_settings

LIMITS: dict[str, object] = {
    "storage": "database",
    "guesses_per_pair": 5,
    "guesses_per_account": 8,
    "client_secrets_per_pair": 20,
}


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def throttled_service(database_url: str, *, hops: int = 0, **throttle: object) -> AsyncIterator[Service]:
    """Run the service over a database of its own with few attempts: five a pair, eight an account."""
    settings = make_settings(database_url, throttle={**LIMITS, **throttle}, http={"docs": True, "trusted_hops": hops})
    async with running_service(settings) as service:
        yield service


async def guess(
    service: Service, identifier: str, *, by: str = "192.0.2.1", password: str = "wrong", forwarded: str | None = None
) -> Response:
    """Try to sign in from the address `by`."""
    form = {"grant_type": "password", "username": identifier, "password": password}
    headers = {"X-Forwarded-For": forwarded} if forwarded is not None else {}
    transport = ASGITransport(service.app, client=(by, 50_000))
    async with AsyncClient(transport=transport, base_url="http://auth.test") as client:
        return await client.post("/oauth/token", data=form, headers=headers)


async def sign_in(service: Service, identifier: str, *, by: str) -> int:
    """Sign in with the right password; return the status."""
    return (await guess(service, identifier, by=by, password=PASSWORD)).status_code


@contextmanager
def counted_checks(hasher: PasswordHasher) -> Iterator[list[str | None]]:
    """Collect the hash that each real check of a password compares with."""
    checked: list[str | None] = []
    verify = hasher.verify

    async def counting(password: SecretStr, password_hash: str | None, *, stand_in: str | None = None) -> Verification:
        checked.append(password_hash)
        return await verify(password, password_hash, stand_in=stand_in)

    hasher.verify = counting  # type: ignore[method-assign]
    try:
        yield checked
    finally:
        del hasher.verify
