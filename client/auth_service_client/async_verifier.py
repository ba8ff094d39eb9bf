"""Verifies access tokens on an event loop."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

import httpx

from auth_service_client.access_token import AccessToken
from auth_service_client.clock import Clock, read_clock
from auth_service_client.core import VerifierCore
from auth_service_client.errors import ServiceUnavailableError
from auth_service_client.fetching import new_client
from auth_service_client.key_cache import KeysWantedError
from auth_service_client.revocations import NotReadyError
from auth_service_client.settings import VerifierSettings
from auth_service_client.upkeep import Upkeep


class AsyncVerifier:
    """Use it as a context manager, once per process; it may be opened again after it was closed.

    To open it needs no answer of the service: the first calls wait, for as long as the settings say.
    """

    def __init__(
        self,
        settings: VerifierSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock = read_clock,
    ) -> None:
        self.settings = settings
        self._transport = transport
        self._clock = clock
        self._open: tuple[VerifierCore, Upkeep] | None = None
        self._exits = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._open is not None:
            raise RuntimeError("the verifier is open already")
        core = VerifierCore(self.settings, self._clock)
        client = new_client(self._transport, seconds=self.settings.request_timeout.total_seconds())
        await self._exits.enter_async_context(client)
        upkeep = Upkeep(core, client)
        self._exits.push_async_callback(upkeep.close)
        self._exits.push_async_callback(_cancel, asyncio.create_task(upkeep.run()))
        self._open = core, upkeep
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = None
        await self._exits.aclose()

    @property
    def is_open(self) -> bool:
        """Whether it can be asked."""
        return self._open is not None

    @property
    def core(self) -> VerifierCore:
        """What it knows; raises RuntimeError before it is opened."""
        return self._opened()[0]

    async def verify(self, token: str) -> AccessToken:
        """Return the facts in an access token; raises InvalidTokenError or ServiceUnavailableError."""
        core, upkeep = opened = self._opened()
        while self._open is opened:
            try:
                return core.verify(token)
            except NotReadyError as wait:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(upkeep.ready.wait(), wait.seconds)
            except KeysWantedError as wanted:
                await upkeep.fetch_keys(forced=True)
                core.keys.note_absent(wanted.kid, core.clock())
        raise ServiceUnavailableError("the verifier was closed meanwhile")

    async def catch_up(self) -> None:
        """Fetch the keys, and what has ended up to now; raises ServiceUnavailableError.

        Nobody has to call this: it is for a test or an administrator who does not want to wait for the background.
        """
        core, upkeep = self._opened()
        await upkeep.fetch_keys()
        if core.revocations is not None:
            await upkeep.catch_up()

    def _opened(self) -> tuple[VerifierCore, Upkeep]:
        if self._open is None:
            raise RuntimeError("open the verifier first: with Verifier(...), or async with AsyncVerifier(...)")
        return self._open


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
