"""A client that writes without a pause, keeps what was acknowledged, and never gives up."""

import asyncio
import itertools
import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import httpx

from auth_service.tokens.refresh_token import RefreshToken
from chaos.ledger import Entry, Kind, Ledger
from chaos.timeline import Seen

_PASSWORD = "correct horse battery staple"
_PATIENCE_SECONDS = 20.0
_AFTER_AN_ERROR_SECONDS = 0.1
_TURNS_PER_REGISTRATION = 20
_FOR_ANYBODY = {"/users", "/oauth/token"}

Tell = Callable[[Seen], None]


class StartOverError(Exception):
    """What the client builds on is gone: its item, its session or its account."""


class StoppedError(Exception):
    """The run is over, and the request that was in flight has been answered."""


class Client:
    """A person with an account, a session and an item; one request at a time, and each again until it is answered."""

    def __init__(self, number: int, url: str, ledger: Ledger, tell: Tell, *, pause_seconds: float) -> None:
        self._number = number
        self._name = f"client-{number:02}"
        self._http = httpx.AsyncClient(base_url=url, timeout=_PATIENCE_SECONDS)
        self._ledger = ledger
        self._tell = tell
        self._pause_seconds = pause_seconds
        self._count = itertools.count(1)
        self._access_token = self._refresh_token = self._session = ""
        self._is_over = False

    def stop(self) -> None:
        """Begin nothing more: a request that were cut off would be one more outcome that nobody knows."""
        self._is_over = True

    async def run(self) -> None:
        """Write until `stop` is called."""
        async with self._http:
            with suppress(StoppedError):
                while True:
                    with suppress(StartOverError):
                        await self._live()
                    await asyncio.sleep(_AFTER_AN_ERROR_SECONDS)

    async def _live(self) -> None:
        address = await self._register()
        await self._sign_in(address)
        item = await self._create_item()
        for turn in itertools.count(1):
            await self._create_item()
            await self._set_price(item)
            await self._send(None, "GET", "/users/me")
            await self._refresh(address)
            if turn % _TURNS_PER_REGISTRATION == 0:
                await self._register()
            await asyncio.sleep(self._pause_seconds)

    async def _register(self) -> str:
        """Return the address of a new account; one that is taken on the second try was stored on the first."""
        address = f"{self._name}-{next(self._count)}@example.com"
        person = {"email": address, "password": _PASSWORD}
        answer = await self._insist(
            Entry(Kind.ACCOUNT, address), "POST", "/users", settled=HTTPStatus.CONFLICT, json=person
        )
        if answer.status_code == HTTPStatus.CREATED:
            self._ledger.acknowledge(Entry(Kind.ACCOUNT, address, answer.json()["id"]))
        return address

    async def _sign_in(self, address: str) -> None:
        form = {"grant_type": "password", "username": address, "password": _PASSWORD}
        self._take_tokens(await self._insist(None, "POST", "/oauth/token", data=form))

    async def _refresh(self, address: str) -> None:
        """Go on with the session. One that ended because an answer was lost for too long is begun anew."""
        presented = Entry(Kind.SESSION, self._session, _digest(self._refresh_token))
        form = {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
        answer = await self._insist(presented, "POST", "/oauth/token", settled=HTTPStatus.BAD_REQUEST, data=form)
        if answer.status_code == HTTPStatus.OK:
            self._take_tokens(answer)
        else:
            await self._sign_in(address)

    def _take_tokens(self, answer: httpx.Response) -> None:
        tokens = answer.json()
        self._access_token, self._refresh_token = tokens["access_token"], tokens["refresh_token"]
        self._session = _session_of(self._access_token)
        self._ledger.acknowledge(Entry(Kind.SESSION, self._session, _digest(self._refresh_token)))

    async def _create_item(self) -> str:
        title = f"{self._name}-{next(self._count)}"
        answer = await self._insist(Entry(Kind.ITEM, title), "POST", "/items", json={"title": title, "price": 0})
        item: str = answer.json()["id"]
        self._ledger.acknowledge(Entry(Kind.ITEM, title, item))
        return item

    async def _set_price(self, item: str) -> None:
        entry = Entry(Kind.PRICE, item, str(next(self._count)))
        await self._insist(entry, "PATCH", f"/items/{item}", json={"price": int(entry.value)})
        self._ledger.acknowledge(entry)

    async def _insist(
        self,
        entry: Entry | None,
        method: str,
        path: str,
        *,
        settled: HTTPStatus | None = None,
        **body: Any,  # noqa: ANN401 - what httpx takes
    ) -> httpx.Response:
        """Send until there is an answer; from the second time on `settled` says that an earlier one was not in vain."""
        answer = await self._send(entry, method, path, **body)
        while answer is None:
            answer = await self._send(entry, method, path, settled=settled, **body)
        return answer

    async def _send(
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
        self._tell(Seen(self._number, what, began, time.monotonic(), status, is_write=entry is not None, expected=well))
        if well:
            return answer
        if answer is not None and answer.is_client_error:
            raise StartOverError
        if entry is not None:
            self._ledger.leave_open(entry)
        await asyncio.sleep(_AFTER_AN_ERROR_SECONDS)
        return None

    async def _try(self, method: str, path: str, **body: Any) -> httpx.Response | None:  # noqa: ANN401 - what httpx takes
        try:
            return await self._http.request(method, path, headers=self._headers(path), **body)
        except httpx.TransportError:
            return None

    def _headers(self, path: str) -> Mapping[str, str]:
        return {} if path in _FOR_ANYBODY else {"Authorization": f"Bearer {self._access_token}"}


def _digest(refresh_token: str) -> str:
    parsed = RefreshToken.parse(refresh_token)
    return "" if parsed is None else parsed.digest.hex()


def _session_of(access_token: str) -> str:
    claims = access_token.split(".")[1]
    sid: str = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sid"]
    return sid
