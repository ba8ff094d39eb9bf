"""Sees which password hashes the service computes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from passlib.context import CryptContext
from sqlmodel import col, update

from auth_service.security.passwords import PasswordHasher
from auth_service.security.settings import HashingSettings
from auth_service.users.models import User
from tests.support.service import Account, Service
from tests.support.settings import CHEAP_HASHES


@contextmanager
def hashing_with(service: Service, **settings: object) -> Iterator[PasswordHasher]:
    """Give a running service a pool with other settings: a service of its own would need a database of its own."""
    usual = service.runtime.hasher
    hasher = PasswordHasher(HashingSettings.model_validate({**CHEAP_HASHES, **settings}))
    vars(service.runtime)["hasher"] = hasher
    try:
        yield hasher
    finally:
        vars(service.runtime)["hasher"] = usual
        hasher.close()


def watched_comparisons(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list into which every stored hash goes that a password is compared with from now on."""
    compared: list[str] = []
    for name in ("verify", "verify_and_update"):
        monkeypatch.setattr(CryptContext, name, _watched(getattr(CryptContext, name), compared))
    return compared


def _watched(compare: Any, compared: list[str]) -> Any:
    def watched(context: CryptContext, secret: str, stored: str, **options: Any) -> Any:
        compared.append(stored)
        return compare(context, secret, stored, **options)

    return watched


async def store_hash(service: Service, account: Account, password_hash: str | None) -> None:
    """Put a hash where an import from another system, or a fault, would."""
    async with service.runtime.database.transaction(writing=True) as session:
        await session.exec(update(User).where(col(User.id) == account.id).values(hashed_password=password_hash))


async def stored_hash(service: Service, account: Account) -> str | None:
    user = await service.stored_user(account.id)
    assert user is not None
    return user.hashed_password
