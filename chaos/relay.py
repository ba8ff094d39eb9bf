"""Passes connections on as they are: at once to one of several replicas, or late to the database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from sqlalchemy import make_url

_CHUNK_BYTES = 65_536

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@asynccontextmanager
async def relaying(connect: Connect, *, delay_seconds: float = 0.0) -> AsyncIterator[int]:
    """Yield the port of a relay that makes, for each connection, one of its own; both end with the block."""
    passing_on = set[asyncio.Task[None]]()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing_on.add(asyncio.create_task(_pass_on(connect, reader, writer, delay_seconds)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            for task in passing_on:
                task.cancel()
            await asyncio.gather(*passing_on, return_exceptions=True)


@asynccontextmanager
async def slow_link(database_url: str, *, delay_seconds: float) -> AsyncIterator[str]:
    """Yield a URL that leads to the same database, by a way that takes so long in each direction."""
    url = make_url(database_url)
    async with relaying(lambda: asyncio.open_connection(url.host, url.port), delay_seconds=delay_seconds) as port:
        yield url.set(port=port).render_as_string(hide_password=False)


async def _pass_on(
    connect: Connect, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_seconds: float
) -> None:
    try:
        there_reader, there_writer = await connect()
    except OSError:
        writer.close()
        return
    try:
        await asyncio.gather(_copy(reader, there_writer, delay_seconds), _copy(there_reader, writer, delay_seconds))
    finally:
        writer.close()
        there_writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay_seconds: float) -> None:
    """Pass on each chunk after the delay; chunks that follow each other closely stay as close."""
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while chunk := await source.read(_CHUNK_BYTES):
            if delay_seconds:
                loop.call_later(delay_seconds, target.write, chunk)
            else:
                target.write(chunk)
                await target.drain()
    loop.call_later(delay_seconds, target.close)
