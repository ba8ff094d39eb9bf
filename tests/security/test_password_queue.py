"""The pool of hashing threads: off the event loop, bounded, and never inside a transaction."""

import asyncio
import os
import sys
from collections.abc import Iterator
from threading import Event
from typing import Self

import pytest
from anyio import fail_after
from anyio.lowlevel import checkpoint
from httpx import Response
from pydantic import SecretStr

from auth_service.security.errors import HashingOverloadedError
from auth_service.security.passwords import PasswordHasher
from auth_service.security.settings import HashingSettings
from tests.support.hashes import hashing_with
from tests.support.service import PASSWORD, Account, Service, assert_problem, bearer

_PATIENCE_SECONDS = 10  # only a test that fails waits so long
NARROW: dict[str, object] = {"workers": 1, "queue": 0}


class BusyPool:
    """Keeps the one hashing thread of a service busy as long as the block lasts, or until it is released."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self._released = Event()

    def __enter__(self) -> Self:
        self._hasher._pool.submit(self._released.wait, _PATIENCE_SECONDS)
        return self

    def __exit__(self, *_error: object) -> None:
        self.release()

    def release(self) -> None:
        self._released.set()

    async def until_somebody_waits(self) -> None:
        with fail_after(_PATIENCE_SECONDS):
            while self._hasher._unfinished == 0:
                await checkpoint()


@pytest.fixture
def narrow_service(service: Service) -> Iterator[Service]:
    with hashing_with(service, **NARROW):
        yield service


@pytest.fixture
async def ann(narrow_service: Service) -> Account:
    return await narrow_service.make_user(username="ann")


@pytest.fixture
async def admin(narrow_service: Service) -> Account:
    return await narrow_service.make_admin()


async def _begin_to_sign_in(service: Service, pool: BusyPool) -> "asyncio.Task[Response]":
    signing_in = asyncio.create_task(service.sign_in("ann"))
    await pool.until_somebody_waits()
    return signing_in


async def test_beyond_the_queue_the_answer_is_to_come_back(narrow_service: Service, ann: Account) -> None:
    change = {"current_password": PASSWORD, "new_password": "a much better passphrase"}

    with BusyPool(narrow_service.runtime.hasher) as pool:
        waiting = await _begin_to_sign_in(narrow_service, pool)
        shed = await narrow_service.sign_in("ann")
        shed_too = await narrow_service.client.put("/users/me/password", json=change, headers=bearer(ann))
    served = await waiting
    served_again = await narrow_service.sign_in("ann")

    assert shed.status_code == 503
    assert shed.headers["retry-after"] == "2"
    assert shed.headers["cache-control"] == "no-store"
    assert shed.json() == {
        "error": "temporarily_unavailable",
        "error_description": "The service is too busy to check passwords right now. Try again in a moment.",
    }
    assert_problem(shed_too, 503, code="too_busy")
    assert shed_too.headers["retry-after"] == "2"
    assert (served.status_code, served_again.status_code) == (200, 200)


@pytest.mark.usefixtures("ann")
async def test_a_hash_holds_up_neither_the_event_loop_nor_a_writer(narrow_service: Service, admin: Account) -> None:
    with BusyPool(narrow_service.runtime.hasher) as pool:
        waiting = await _begin_to_sign_in(narrow_service, pool)
        alive = await narrow_service.client.get("/livez")
        written = await narrow_service.client.patch("/users/me", json={"full_name": "Ann"}, headers=bearer(admin))
    served = await waiting

    assert (alive.status_code, written.status_code, served.status_code) == (200, 200, 200)


async def test_how_many_wait_is_known() -> None:
    hasher = PasswordHasher(HashingSettings.model_validate({**NARROW, "queue": 2}))

    with BusyPool(hasher) as pool:
        computed = [asyncio.create_task(hasher.hash(SecretStr(PASSWORD))) for _ in range(3)]
        await pool.until_somebody_waits()
        length = hasher.queue_length
    await asyncio.gather(*computed)

    assert (length, hasher.queue_length) == (2, 0)
    hasher.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority is that of the whole process")
async def test_hashes_stand_back_behind_requests() -> None:
    hasher = PasswordHasher(HashingSettings.model_validate(NARROW))
    loop = asyncio.get_running_loop()

    of_hashes = await loop.run_in_executor(hasher._pool, os.getpriority, os.PRIO_PROCESS, 0)

    assert of_hashes > os.getpriority(os.PRIO_PROCESS, 0)
    hasher.close()


async def test_a_closed_pool_drops_who_waits() -> None:
    hasher = PasswordHasher(HashingSettings.model_validate(NARROW))

    with BusyPool(hasher) as pool:
        waiting = asyncio.create_task(hasher.hash(SecretStr(PASSWORD)))
        await pool.until_somebody_waits()
        with pytest.raises(HashingOverloadedError):
            await hasher.hash(SecretStr(PASSWORD))
        hasher.close()

    with pytest.raises(asyncio.CancelledError):
        await waiting
