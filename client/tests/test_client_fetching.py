"""What a service, or who pretends to be one, may answer: it costs bounded time and memory, and leads nowhere else."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from auth_service_client.fetching import FetchError, fetch, new_client

Handler = Callable[[httpx.Request], httpx.Response]


class Endless(httpx.AsyncByteStream):
    def __init__(self) -> None:
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.sent += 1
            yield b"x" * 1024


class Slow(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()


async def answer_of(handler: Handler, *, seconds: float = 5) -> int:
    async with new_client(httpx.MockTransport(handler), seconds=seconds) as client:
        answer = await fetch(client, "https://auth.example.com/x", max_bytes=10_000, seconds=seconds)
    return answer.status


async def test_an_answer_without_end_is_cut_off() -> None:
    stream = Endless()

    with pytest.raises(FetchError, match="too large"):
        await answer_of(lambda _: httpx.Response(200, stream=stream))

    assert stream.sent == 10


async def test_an_answer_that_trickles_is_cut_off_by_the_whole_time_it_takes() -> None:
    with pytest.raises(FetchError, match="TimeoutError"):
        await answer_of(lambda _: httpx.Response(200, stream=Slow()), seconds=0.05)


async def test_a_packed_answer_is_not_unpacked() -> None:
    packed = gzip.compress(b"x" * 10**6)

    with pytest.raises(FetchError, match="packed"):
        await answer_of(lambda _: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=_stream(packed)))


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    asked = []

    def redirect(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": "https://elsewhere.example.com/jwks.json"})

    assert await answer_of(redirect) == 302
    assert asked == ["https://auth.example.com/x"]


async def test_whatever_a_transport_raises_is_one_kind_of_error() -> None:
    def broken(_: httpx.Request) -> httpx.Response:
        raise RuntimeError("surprise")

    with pytest.raises(FetchError, match="surprise"):
        await answer_of(broken)


def _stream(content: bytes) -> httpx.ByteStream:
    return httpx.ByteStream(content)
