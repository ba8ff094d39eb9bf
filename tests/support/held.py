"""Work on a password that is held in the middle, so that a test can do something else meanwhile."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from auth_service.security.passwords import PasswordHasher, Verification


class HeldVerification:
    """The real hasher computes the real answer, which then waits for `release`; later checks are not held."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self.hashed = asyncio.Event()
        self._released = asyncio.Event()
        self._verify = hasher.verify
        self._is_first = True

    def release(self) -> None:
        self._released.set()

    async def verify(
        self, password: SecretStr, password_hash: str | None, *, stand_in: str | None = None
    ) -> Verification:
        is_held, self._is_first = self._is_first, False
        verification = await self._verify(password, password_hash, stand_in=stand_in)
        if is_held:
            self.hashed.set()
            await self._released.wait()
        return verification


@contextmanager
def held_verification(hasher: PasswordHasher) -> Iterator[HeldVerification]:
    """Hold the next check of a password."""
    held = HeldVerification(hasher)
    hasher.verify = held.verify  # type: ignore[method-assign]
    try:
        yield held
    finally:
        held.release()
        del hasher.verify


class HeldHash:
    """The real hasher computes the real hash, which then waits for `release`; later ones are not held."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self.hashed = asyncio.Event()
        self._released = asyncio.Event()
        self._hash = hasher.hash

    def release(self) -> None:
        self._released.set()

    async def hash(self, password: SecretStr) -> str:
        is_held = not self.hashed.is_set()
        password_hash = await self._hash(password)
        if is_held:
            self.hashed.set()
            await self._released.wait()
        return password_hash


@contextmanager
def held_hash(hasher: PasswordHasher) -> Iterator[HeldHash]:
    """Hold the next hash of a new password."""
    held = HeldHash(hasher)
    hasher.hash = held.hash  # type: ignore[method-assign]
    try:
        yield held
    finally:
        held.release()
        del hasher.hash
