"""Asks the service for a document: one bounded answer, in a bounded time, from the very address that was meant."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "auth-service-client"}


class FetchError(Exception):
    """There was no answer, or not a proper one. The service may have said in how many seconds to ask again."""

    def __init__(self, reason: str, *, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose body is whole."""

    status: int
    headers: httpx.Headers
    body: bytes


async def fetch(  # noqa: PLR0913 - each of these is one bound of one request
    client: httpx.AsyncClient,
    url: str,
    *,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    max_bytes: int,
    seconds: float,
) -> Answer:
    """Return the answer to a GET; raises FetchError.

    Redirects are not followed, for they would lead to keys that somebody else publishes, and nothing is unpacked, for
    a small answer may unpack to a large one.
    """
    request = client.stream("GET", url, params=query, headers={**_HEADERS, **(headers or {})}, follow_redirects=False)
    try:
        async with asyncio.timeout(seconds), request as response:
            return await _read(response, max_bytes)
    except FetchError:
        raise
    except Exception as error:  # transports are many and raise what they like; whoever asks in the background goes on
        raise FetchError(f"{type(error).__name__}: {error}") from error


async def _read(response: httpx.Response, max_bytes: int) -> Answer:
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise FetchError("the answer is packed")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > max_bytes:
            raise FetchError("the answer is too large")
    return Answer(response.status_code, response.headers, bytes(body))


def new_client(transport: httpx.AsyncBaseTransport | None, *, seconds: float) -> httpx.AsyncClient:
    """Return a client for one verifier."""
    timeout = httpx.Timeout(seconds, read=None)  # `fetch` bounds the whole, a long poll reads for longer
    return httpx.AsyncClient(transport=transport, timeout=timeout)
