"""Verifies access tokens from any number of threads."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from auth_service_client.access_token import AccessToken
from auth_service_client.async_verifier import AsyncVerifier
from auth_service_client.clock import Clock, read_clock
from auth_service_client.errors import ServiceUnavailableError
from auth_service_client.key_cache import KeysWantedError
from auth_service_client.revocations import NotReadyError
from auth_service_client.settings import VerifierSettings

T = TypeVar("T")


class Verifier:
    """Use it as a context manager, once per process, and open it after a fork and not before.

    A token is verified in the thread that asks. Only what has to wait for the service is left to a thread in the
    background, which runs an `AsyncVerifier`.
    """

    def __init__(
        self,
        settings: VerifierSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock = read_clock,
    ) -> None:
        self.settings = settings
        self._verifier = AsyncVerifier(settings, transport=transport, clock=clock)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: Thread | None = None
        # What is handed over before the stop is seen by the loop before the stop, and so gets an answer.
        self._handing_over = Lock()

    def __enter__(self) -> Self:
        if self._thread is not None:
            raise RuntimeError("the verifier is open already")
        opened: Future[None] = Future()
        self._thread = Thread(target=self._run, args=(opened,), name="auth-service-client", daemon=True)
        self._thread.start()
        try:
            opened.result()
        except BaseException:
            self._thread = None
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._handing_over:
            loop, stop, thread = self._loop, self._stop, self._thread
            self._loop = self._stop = self._thread = None
        if loop is not None and stop is not None and thread is not None:
            loop.call_soon_threadsafe(stop.set)
            thread.join()

    def verify(self, token: str) -> AccessToken:
        """Return the facts in an access token; raises InvalidTokenError or ServiceUnavailableError."""
        try:
            return self._verifier.core.verify(token)
        except (NotReadyError, KeysWantedError):
            return self._wait_for(self._verifier.verify(token))

    def catch_up(self) -> None:
        """Fetch the keys, and what has ended up to now; raises ServiceUnavailableError."""
        self._wait_for(self._verifier.catch_up())

    def _wait_for(self, coroutine: Coroutine[Any, Any, T]) -> T:
        with self._handing_over:
            if self._loop is None:
                coroutine.close()
                raise ServiceUnavailableError("the verifier is closed")
            answer = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return answer.result()
        except CancelledError:
            raise ServiceUnavailableError("the verifier was closed meanwhile") from None

    def _run(self, opened: Future[None]) -> None:
        try:
            asyncio.run(self._serve(opened))
        except Exception as error:  # whatever kept it from opening is for the thread that opens it
            if opened.done():
                raise
            opened.set_exception(error)

    async def _serve(self, opened: Future[None]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        stop = self._stop
        async with self._verifier:
            opened.set_result(None)
            await stop.wait()
