"""Sends the requests of one client, says what became of them, and leaves open what nobody can know."""

import asyncio
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import httpx

from chaos.ledger import Entry, Ledger
from chaos.timeline import Seen

AFTER_AN_ERROR_SECONDS = 0.1
_PATIENCE_SECONDS = 20.0
_FOR_ANYBODY = {"/users", "/oauth/token"}

Tell = Callable[[Seen], None]


class StartOverError(Exception):
    """What the client builds on is gone: its item, its session or its account."""


class StoppedError(Exception):
    """The run is over, and the request that was in flight has been answered."""


class Caller:
    """One request at a time, each again until it is answered."""

    def __init__(self, client: int, url: str, ledger: Ledger, tell: Tell) -> None:
        """Prepare; `tell` is told of every request when it has ended."""
        self.http = httpx.AsyncClient(base_url=url, timeout=_PATIENCE_SECONDS)
        self.access_token = ""
        self._client = client
        self._ledger = ledger
        self._tell = tell
        self._is_over = False

    def stop(self) -> None:
        """Begin nothing more: a request that were cut off would be one more outcome that nobody knows."""
        self._is_over = True

    async def insist(
        self,
        entry: Entry | None,
        method: str,
        path: str,
        *,
        settled: HTTPStatus | None = None,
        **body: Any,  # noqa: ANN401 - what httpx takes
    ) -> httpx.Response:
        """Send until there is an answer; from the second time on `settled` says that an earlier one was not in vain."""
        answer = await self.send(entry, method, path, **body)
        while answer is None:
            answer = await self.send(entry, method, path, settled=settled, **body)
        return answer

    async def send(
        self,
        entry: Entry | None,
        method: str,
        path: str,
        *,
        settled: HTTPStatus | None = None,
        **body: Any,  # noqa: ANN401 - what httpx takes
    ) -> httpx.Response | None:
        """Return the answer; None when nobody can know what became of the request.

        Raises StartOverError for a refusal other than `settled`, and StoppedError.
        """
        if self._is_over:
            raise StoppedError
        began = time.monotonic()
        answer = await self._try(method, path, **body)
        status = None if answer is None else answer.status_code
        well = answer is not None and (answer.is_success or status == settled)
        what = f"{method} {path}" if entry is None else entry.kind.value
        self._tell(Seen(self._client, what, began, time.monotonic(), status, is_write=entry is not None, expected=well))
        if well:
            return answer
        if answer is not None and answer.is_client_error:
            raise StartOverError
        if entry is not None:
            self._ledger.leave_open(entry)
        await asyncio.sleep(AFTER_AN_ERROR_SECONDS)
        return None

    async def _try(self, method: str, path: str, **body: Any) -> httpx.Response | None:  # noqa: ANN401 - what httpx takes
        try:
            return await self.http.request(method, path, headers=self._headers(path), **body)
        except httpx.TransportError:
            return None

    def _headers(self, path: str) -> Mapping[str, str]:
        return {} if path in _FOR_ANYBODY else {"Authorization": f"Bearer {self.access_token}"}
