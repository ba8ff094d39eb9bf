"""Keeps what a verifier knows up to date, in the background: its keys, and what has ended."""

import asyncio
import contextlib
import logging
import random

import httpx

from auth_service_client.core import VerifierCore
from auth_service_client.errors import ServiceUnavailableError
from auth_service_client.fetching import Answer, FetchError, fetch
from auth_service_client.key_cache import KeysWantedError, read_max_age
from auth_service_client.revocations import WAIT_SECONDS, RevocationList

log = logging.getLogger("auth_service_client")

_MAX_JWKS_BYTES = 256 * 1024
_MAX_FEED_BYTES = 512 * 1024
_PAUSE_SECONDS = 0.1
_HASTY_PAUSE_SECONDS = 1.0
"""After an answer without news that came at once although it was asked to wait."""
_MAX_PAUSE_SECONDS = 5.0
_OK, _NOT_MODIFIED, _BAD_REQUEST = 200, 304, 400


class Upkeep:
    """Lives on one event loop. Nothing that the service does or answers ends it; it only gets older knowledge."""

    def __init__(self, core: VerifierCore, client: httpx.AsyncClient) -> None:
        self.ready = asyncio.Event()
        self._core = core
        self._client = client
        self._seconds = core.settings.request_timeout.total_seconds()
        self._fetching: asyncio.Task[None] | None = None
        self._forced = False
        self._trouble: str | None = None
        self._asking: asyncio.Task[Answer] | None = None
        self._callers: list[asyncio.Future[None]] = []

    async def run(self) -> None:
        """Keep everything up to date until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_keys())
            if self._core.revocations is not None:
                tasks.create_task(self._follow(self._core.revocations))

    async def fetch_keys(self, *, forced: bool = False) -> None:
        """Fetch the keys once for all who ask meanwhile; a failure is noted in the key cache and not raised."""
        self._forced |= forced
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch_keys())
        await asyncio.wait([self._fetching])  # neither ends the other when it is cancelled

    async def catch_up(self) -> None:
        """Return when a full list has been taken that was asked for after this call; raises ServiceUnavailableError."""
        caller = asyncio.get_running_loop().create_future()
        self._callers.append(caller)
        if self._asking is not None:
            self._asking.cancel()
        await caller

    async def close(self) -> None:
        """Let everybody go who still waits."""
        if self._fetching is not None:
            self._fetching.cancel()
        _answer(self._callers, ServiceUnavailableError("the verifier was closed meanwhile"))
        self.ready.set()

    async def _keep_keys(self) -> None:
        while True:
            keys, now = self._core.keys, self._core.clock()
            if now.mono >= keys.due_at:
                await self.fetch_keys()
            else:
                await asyncio.sleep(keys.due_at - now.mono)

    async def _fetch_keys(self) -> None:
        keys = self._core.keys
        headers = {"If-None-Match": keys.etag} if keys.etag is not None else {}
        url = self._core.settings.jwks_url
        try:
            answer = await fetch(self._client, url, headers=headers, max_bytes=_MAX_JWKS_BYTES, seconds=self._seconds)
            self._take_keys(answer)
            if self._forced:  # a question that went unanswered may be asked again as soon as the back-off allows
                keys.note_forced(self._core.clock())
        except Exception as error:  # noqa: BLE001 - a surprise must not end the upkeep either
            log.warning("the keys could not be fetched: %s", error)
            keys.note_failure(self._core.clock())
        self._forced = False
        self._note_ready()

    def _take_keys(self, answer: Answer) -> None:
        keys, now = self._core.keys, self._core.clock()
        max_age = read_max_age(answer.headers.get("Cache-Control", ""), answer.headers.get("Age", ""))
        if answer.status == _NOT_MODIFIED and keys.etag is not None:
            keys.extend(max_age=max_age, now=now)
        elif answer.status == _OK:
            keys.take(answer.body, etag=answer.headers.get("ETag"), max_age=max_age, now=now)
        else:
            raise FetchError(f"status {answer.status}")

    async def _follow(self, revocations: RevocationList) -> None:
        failures = 0
        while True:
            asked_by, seq, began = len(self._callers), revocations.seq, self._core.clock().mono
            query = revocations.query(patient=not failures and not asked_by)
            try:
                answer = await self._ask(query)
                if answer is None:
                    continue
                await self._take_feed(answer, revocations)
            except Exception as error:  # noqa: BLE001 - a surprise must not end the upkeep either
                self._note_trouble(str(error))
                self._answer_callers(asked_by, ServiceUnavailableError(f"the service could not be asked: {error}"))
                await asyncio.sleep(_pause_after(failures, error))
                failures += 1
                continue
            failures = 0
            if revocations.caught_up:
                self._note_trouble(None)
                self._note_ready()
                self._answer_callers(asked_by, None)
                hasty = "wait" in query and seq == revocations.seq and self._core.clock().mono - began < 1
                await asyncio.sleep(_HASTY_PAUSE_SECONDS if hasty else _PAUSE_SECONDS)

    async def _ask(self, query: dict[str, str]) -> Answer | None:
        """Return the answer, or None when the request was given up in favour of somebody who cannot wait."""
        seconds = self._seconds + (WAIT_SECONDS if "wait" in query else 0)
        url = self._core.settings.feed_url
        asking = fetch(self._client, url, query=query, max_bytes=_MAX_FEED_BYTES, seconds=seconds)
        request = asyncio.create_task(asking)
        self._asking = request if "wait" in query else None
        try:
            await asyncio.wait([request])
        finally:
            self._asking = None
            request.cancel()
        return None if request.cancelled() else request.result()

    async def _take_feed(self, answer: Answer, revocations: RevocationList) -> None:
        if answer.status == _BAD_REQUEST:
            revocations.start_over()
        if answer.status != _OK:
            raise FetchError(
                f"status {answer.status}", retry_after=_read_seconds(answer.headers.get("Retry-After", ""))
            )
        try:
            self._core.take_feed(answer.body)
        except KeysWantedError:
            await self.fetch_keys(forced=True)
            self._core.take_feed(answer.body)

    def _answer_callers(self, number: int, error: Exception | None) -> None:
        """Answer those who called before the last request was sent; later ones want a later answer."""
        callers, self._callers = self._callers[:number], self._callers[number:]
        _answer(callers, error)

    def _note_trouble(self, trouble: str | None) -> None:
        """Say what is wrong with the feed when that changes: said at every attempt, it would fill the log for hours."""
        if trouble is None and self._trouble is not None:
            log.info("the revocations are followed again")
        elif trouble is not None:
            level = logging.DEBUG if trouble == self._trouble else logging.WARNING
            log.log(level, "the revocations could not be followed: %s", trouble)
        self._trouble = trouble

    def _note_ready(self) -> None:
        if self._core.ready:
            self.ready.set()


def _pause_after(failures: int, error: Exception) -> float:
    """Return a pause: longer each time, and never the same for all who were cut off at once."""
    pause = random.uniform(0.5, 1.0) * min(0.5 * 2.0 ** min(failures, 10), _MAX_PAUSE_SECONDS)  # noqa: S311
    asked_for = error.retry_after if isinstance(error, FetchError) else 0.0
    return max(pause, min(asked_for, _MAX_PAUSE_SECONDS))


def _read_seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdecimal() else 0.0


def _answer(callers: list[asyncio.Future[None]], error: Exception | None) -> None:
    for caller in callers:
        with contextlib.suppress(asyncio.InvalidStateError):  # a caller who has gone
            if error is None:
                caller.set_result(None)
            else:
                caller.set_exception(error)
