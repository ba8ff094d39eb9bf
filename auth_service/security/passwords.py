"""Password hashes, computed off the event loop by a bounded pool (the only importer of the hash library)."""

import asyncio
import os
import sys
import threading
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from passlib.context import CryptContext
from pydantic import SecretStr

from auth_service.security.errors import HashingOverloadedError
from auth_service.security.settings import HashingSettings, HashScheme
from auth_service.telemetry.timings import Timings

_PREFERRED = {
    HashScheme.ARGON2: ["argon2", "bcrypt_sha256", "bcrypt"],
    HashScheme.BCRYPT: ["bcrypt_sha256", "argon2", "bcrypt"],
}

_NICENESS = 4
"""How far hashes stand back (`man 7 sched`): a request that only reads hardly notices them, and they still get on.

At 0 each hash keeps the event loop from its core for whole time slices. At 10 a core full of readers leaves sign-ins an
eighth of their rate; at 4 more than a third, and the slowest reads take about twice as long as without sign-ins.
"""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a password was right; `replacement` is a newer hash to store when the stored one is out of date."""

    matches: bool
    replacement: str | None = field(default=None, repr=False)


class PasswordHasher:
    """Makes and verifies password hashes without holding up the event loop. Close it with `close`.

    Both methods normalise the password once (NFC), so that one password typed on two keyboards is one password, and
    both raise HashingOverloadedError when more callers wait than the queue may hold.
    """

    def __init__(self, settings: HashingSettings) -> None:
        """Prepare the pool; its threads start with the first passwords."""
        self._context = CryptContext(
            schemes=_PREFERRED[settings.scheme],
            deprecated="auto",
            argon2__type="ID",
            argon2__memory_cost=settings.argon2_memory_kib,
            argon2__time_cost=settings.argon2_passes,
            argon2__parallelism=1,
            bcrypt__rounds=settings.bcrypt_cost,
            bcrypt_sha256__rounds=settings.bcrypt_cost,
        )
        self._pool = ThreadPoolExecutor(
            settings.workers, "password-hash", initializer=_stand_back if sys.platform == "linux" else None
        )
        self.workers = settings.workers
        self._capacity = settings.workers + settings.queue
        self._unfinished = 0
        self.waits = Timings()
        self.durations = Timings()
        self.turned_away = 0

    @property
    def queue_length(self) -> int:
        """How many hashes wait for a worker now."""
        return max(self._unfinished - self.workers, 0)

    async def hash(self, password: SecretStr) -> str:
        """Return a new hash of `password`."""
        return await self._run(lambda: self._context.hash(_normalise(password)))

    async def verify(
        self, password: SecretStr, password_hash: str | None, *, stand_in: str | None = None
    ) -> Verification:
        """Compare `password` with a stored hash; without one, spend as long on `stand_in` and say no."""
        return await self._run(lambda: self._verify(password, password_hash, stand_in or self._stand_in))

    def close(self) -> None:
        """Stop the pool; hashes that wait are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @cached_property
    def _stand_in(self) -> str:
        """What is compared with when there is nothing else; made by the first worker that needs it."""
        return self._context.hash("no account has this password")

    def _verify(self, password: SecretStr, password_hash: str | None, stand_in: str) -> Verification:
        try:
            if not password_hash:
                self._context.verify(_normalise(password), stand_in)
                return Verification(matches=False)
            matches, replacement = self._context.verify_and_update(_normalise(password), password_hash)
        except ValueError:  # of every kind that the library has, and lone surrogates
            self._context.verify("", self._stand_in)  # what cannot match must not answer sooner either
            return Verification(matches=False)
        return Verification(matches=matches, replacement=replacement)

    async def _run(self, compute: Callable[[], Result]) -> Result:
        if self._unfinished >= self._capacity:
            self.turned_away += 1
            raise HashingOverloadedError
        self._unfinished += 1
        asked = time.perf_counter()
        try:
            result, began, ended = await asyncio.get_running_loop().run_in_executor(self._pool, _timed, compute)
        finally:
            self._unfinished -= 1
        self.waits.observe(began - asked)
        self.durations.observe(ended - began)
        return result


def _timed(compute: Callable[[], Result]) -> tuple[Result, float, float]:
    """Return what is computed, and when that began and ended."""
    began = time.perf_counter()
    return compute(), began, time.perf_counter()


def _stand_back() -> None:
    """Lower the priority of this thread only, which is what Linux does; elsewhere it would be the whole process."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def _normalise(password: SecretStr) -> str:
    return unicodedata.normalize("NFC", password.get_secret_value())
