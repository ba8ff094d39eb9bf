"""A load balancer for TCP that follows /readyz as a cluster's does: it notices late and touches no open connection."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

_PATIENCE_SECONDS = 5.0
_PROBE = b"GET /readyz HTTP/1.1\r\nHost: balancer\r\nConnection: close\r\n\r\n"


class Balancer:
    """Sends each new connection to the next replica that was ready when it was last asked."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.port = 0
        self._ports = ports
        self._ready: set[int] = set()
        self._turn = itertools.count()
        self._changed = asyncio.Condition()
        self._passing: set[asyncio.Future[tuple[None, None]]] = set()

    async def until(self, port: int, *, is_ready: bool) -> None:
        """Return when it knows that this replica is ready, or that it is not."""
        async with self._changed:
            await self._changed.wait_for(lambda: (port in self._ready) == is_ready)

    async def probe(self, port: int, *, every: float) -> None:
        while True:
            is_ready = await _is_ready(port)
            async with self._changed:
                (self._ready.add if is_ready else self._ready.discard)(port)
                self._changed.notify_all()
            await asyncio.sleep(every)

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ready = sorted(self._ready)
        with suppress(OSError, asyncio.CancelledError):
            replica = await asyncio.open_connection("127.0.0.1", ready[next(self._turn) % len(ready)])
            both_ways = asyncio.gather(_pump(reader, replica[1]), _pump(replica[0], writer))
            self._passing.add(both_ways)
            await both_ways
            self._passing.discard(both_ways)
        writer.close()

    async def hang_up(self) -> None:
        for both_ways in list(self._passing):
            both_ways.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)


@asynccontextmanager
async def balancing(ports: Sequence[int], *, probed_every: float) -> AsyncIterator[Balancer]:
    balancer = Balancer(ports)
    probes = [asyncio.create_task(balancer.probe(port, every=probed_every)) for port in ports]
    server = await asyncio.start_server(balancer.pass_on, "127.0.0.1", 0)
    balancer.port = server.sockets[0].getsockname()[1]
    try:
        yield balancer
    finally:
        server.close()
        for probe in probes:
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)
        await balancer.hang_up()


async def _is_ready(port: int) -> bool:
    answer = b""
    with suppress(OSError):
        async with asyncio.timeout(_PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(_PROBE)
                answer = await reader.read()
            finally:
                writer.close()
    return answer.startswith(b"HTTP/1.1 200 ")


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(ConnectionError):
            while piece := await reader.read(65_536):
                writer.write(piece)
                await writer.drain()
    finally:
        writer.close()
