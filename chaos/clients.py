"""A client that writes without a pause, keeps what was acknowledged, and never gives up."""

import asyncio
import itertools
import json
from base64 import urlsafe_b64decode
from contextlib import suppress
from http import HTTPStatus

import httpx

from auth_service.tokens.refresh_token import RefreshToken
from chaos.caller import AFTER_AN_ERROR_SECONDS, Caller, StartOverError, StoppedError, Tell
from chaos.ledger import Entry, Kind, Ledger

_PASSWORD = "correct horse battery staple"
_TURNS_PER_REGISTRATION = 20


class Client:
    """A person with an account, a session and an item; one request at a time, and each again until it is answered."""

    def __init__(self, number: int, url: str, ledger: Ledger, tell: Tell, *, pause_seconds: float) -> None:
        """Prepare; between two turns of everything it does there is a pause."""
        self._name = f"client-{number:02}"
        self._caller = Caller(number, url, ledger, tell)
        self._ledger = ledger
        self._pause_seconds = pause_seconds
        self._count = itertools.count(1)
        self._refresh_token = self._session = ""

    def stop(self) -> None:
        """Let the request in flight be the last."""
        self._caller.stop()

    async def run(self) -> None:
        """Write until `stop` is called."""
        async with self._caller.http:
            with suppress(StoppedError):
                while True:
                    with suppress(StartOverError):
                        await self._live()
                    await asyncio.sleep(AFTER_AN_ERROR_SECONDS)

    async def _live(self) -> None:
        address = await self._register()
        await self._sign_in(address)
        item = await self._create_item()
        for turn in itertools.count(1):
            await self._create_item()
            await self._set_price(item)
            await self._caller.send(None, "GET", "/users/me")
            await self._refresh(address)
            if turn % _TURNS_PER_REGISTRATION == 0:
                await self._register()
            await asyncio.sleep(self._pause_seconds)

    async def _register(self) -> str:
        """Return the address of a new account; one that is taken on the second try was stored on the first."""
        address = f"{self._name}-{next(self._count)}@example.com"
        person = {"email": address, "password": _PASSWORD}
        answer = await self._caller.insist(
            Entry(Kind.ACCOUNT, address), "POST", "/users", settled=HTTPStatus.CONFLICT, json=person
        )
        if answer.status_code == HTTPStatus.CREATED:
            self._ledger.acknowledge(Entry(Kind.ACCOUNT, address, answer.json()["id"]))
        return address

    async def _sign_in(self, address: str) -> None:
        form = {"grant_type": "password", "username": address, "password": _PASSWORD}
        self._take_tokens(await self._caller.insist(None, "POST", "/oauth/token", data=form))

    async def _refresh(self, address: str) -> None:
        """Go on with the session. One that ended because an answer was lost for too long is begun anew."""
        presented = Entry(Kind.SESSION, self._session, _digest(self._refresh_token))
        form = {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
        answer = await self._caller.insist(presented, "POST", "/oauth/token", settled=HTTPStatus.BAD_REQUEST, data=form)
        if answer.status_code == HTTPStatus.OK:
            self._take_tokens(answer)
        else:
            await self._sign_in(address)

    def _take_tokens(self, answer: httpx.Response) -> None:
        tokens = answer.json()
        self._caller.access_token, self._refresh_token = tokens["access_token"], tokens["refresh_token"]
        self._session = _session_of(self._caller.access_token)
        self._ledger.acknowledge(Entry(Kind.SESSION, self._session, _digest(self._refresh_token)))

    async def _create_item(self) -> str:
        title = f"{self._name}-{next(self._count)}"
        answer = await self._caller.insist(Entry(Kind.ITEM, title), "POST", "/items", json={"title": title, "price": 0})
        item: str = answer.json()["id"]
        self._ledger.acknowledge(Entry(Kind.ITEM, title, item))
        return item

    async def _set_price(self, item: str) -> None:
        entry = Entry(Kind.PRICE, item, str(next(self._count)))
        await self._caller.insist(entry, "PATCH", f"/items/{item}", json={"price": int(entry.value)})
        self._ledger.acknowledge(entry)


def _digest(refresh_token: str) -> str:
    parsed = RefreshToken.parse(refresh_token)
    return "" if parsed is None else parsed.digest.hex()


def _session_of(access_token: str) -> str:
    claims = access_token.split(".")[1]
    sid: str = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sid"]
    return sid
