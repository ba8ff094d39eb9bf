"""A link to the database that takes its time, so that whatever is under way is under way for longer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import make_url

_CHUNK_BYTES = 65_536


@asynccontextmanager
async def slow_link(database_url: str, *, delay_seconds: float) -> AsyncIterator[str]:
    """Yield a URL that leads to the same database, by a way that takes so long in each direction."""
    url = make_url(database_url)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there_reader, there_writer = await asyncio.open_connection(url.host, url.port)
            await asyncio.gather(
                _copy_late(reader, there_writer, delay_seconds), _copy_late(there_reader, writer, delay_seconds)
            )

    async with await asyncio.start_server(pass_on, "127.0.0.1", 0) as server:
        port: int = server.sockets[0].getsockname()[1]
        yield url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)


async def _copy_late(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay_seconds: float) -> None:
    """Pass on each chunk after the delay; chunks that follow each other closely stay as close."""
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while chunk := await source.read(_CHUNK_BYTES):
            loop.call_later(delay_seconds, target.write, chunk)
    loop.call_later(delay_seconds, target.close)
