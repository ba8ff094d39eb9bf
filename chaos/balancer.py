"""What stands between clients and replicas: HAProxy where it is installed, else a small balancer of connections."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx

from chaos.relay import relaying
from chaos.servers import DIE_WITH_US
from tests.support.ports import free_port

_CHECK_SECONDS = 0.2
_LOOK_SECONDS = 0.02
_SBIN = "/usr/sbin:/usr/local/sbin"

_CONFIGURATION = """
defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    timeout check 2s
    retries 3
    option redispatch 1
    retry-on conn-failure
frontend all
    bind 127.0.0.1:{port}
    default_backend replicas
backend replicas
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    default-server check inter 200ms fall 1 rise 1
{servers}
"""


@asynccontextmanager
async def balancing(ports: Sequence[int], folder: Path) -> AsyncIterator[str]:
    """Yield the one URL of these replicas.

    Both send a request only to replicas that are ready, and once more only when it was not sent at all.
    """
    if program := shutil.which("haproxy") or shutil.which("haproxy", path=_SBIN):
        async with _haproxy(program, ports, folder) as url:
            yield url
    else:
        async with _own_balancer(ports) as url:
            yield url


def describe_balancer() -> str:
    """Name the one that `balancing` takes."""
    found = shutil.which("haproxy") or shutil.which("haproxy", path=_SBIN)
    return "HAProxy" if found else "the balancer of chaos/balancer.py (no HAProxy is installed)"


@asynccontextmanager
async def _haproxy(program: str, ports: Sequence[int], folder: Path) -> AsyncIterator[str]:
    port, configuration = free_port(), folder / "haproxy.cfg"
    servers = "\n".join(f"    server replica-{each} 127.0.0.1:{each}" for each in ports)
    configuration.write_text(_CONFIGURATION.format(port=port, servers=servers))
    with (folder / "haproxy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *DIE_WITH_US, program, "-db", "-f", configuration, stdout=log, stderr=log
        )
    try:
        url = f"http://127.0.0.1:{port}"
        await _until_it_answers(url, process)
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _until_it_answers(url: str, process: asyncio.subprocess.Process) -> None:
    async with httpx.AsyncClient() as client:
        while process.returncode is None:
            with suppress(httpx.TransportError):
                if (await client.get(f"{url}/livez")).is_success:
                    return
            await asyncio.sleep(_LOOK_SECONDS)
    raise RuntimeError("HAProxy ended: see haproxy.log in the folder of the run")


class _Backends:
    """The replicas that were ready when they were asked last, in turn."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ready = dict.fromkeys(ports, True)
        self._turn = 0

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the next one that takes the connection; raises OSError when none does."""
        self._turn += 1
        ports = [port for port, ready in self._ready.items() if ready] or list(self._ready)
        start = self._turn % len(ports)
        for port in [*ports[start:], *ports[:start]]:
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        raise ConnectionRefusedError

    async def watch(self) -> None:
        async with httpx.AsyncClient(timeout=1) as client:
            while True:
                for port in self._ready:
                    try:
                        answer = await client.get(f"http://127.0.0.1:{port}/readyz")
                        self._ready[port] = answer.is_success
                    except httpx.TransportError:
                        self._ready[port] = False
                await asyncio.sleep(_CHECK_SECONDS)


@asynccontextmanager
async def _own_balancer(ports: Sequence[int]) -> AsyncIterator[str]:
    """Pass on each connection as it is; an established one stays with its replica."""
    backends = _Backends(ports)
    watching = asyncio.create_task(backends.watch())
    try:
        async with relaying(backends.connect) as port:
            yield f"http://127.0.0.1:{port}"
    finally:
        watching.cancel()
