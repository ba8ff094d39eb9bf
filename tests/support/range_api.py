"""A stand-in for a range API of stolen passwords, on 127.0.0.1: it answers what a test wants, and keeps what came."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha1


@dataclass(slots=True)
class RangeApi:
    """`stolen` passwords are known, `padding` ones were seen never; `body` replaces both, `release` is waited for."""

    stolen: tuple[str, ...] = ()
    padding: tuple[str, ...] = ()
    status: int = 200
    body: bytes | None = None
    answers: bool = True
    url: str = ""
    requests: list[str] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(request)
        self.asked.set()
        if self.release is not None:
            await self.release.wait()
        if not self.answers:
            await reader.read()  # until the caller gives up
        else:
            body = self._known(request.split()[1].rpartition("/")[2]) if self.body is None else self.body
            head = f"HTTP/1.1 {self.status} Whatever\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
        writer.close()

    def _known(self, prefix: str) -> bytes:
        counted = [(digest_of(one), 42) for one in self.stolen] + [(digest_of(one), 0) for one in self.padding]
        lines = [f"{digest[5:]}:{count}" for digest, count in counted if digest.startswith(prefix)]
        return "\r\n".join(["0" * 35 + ":3", *lines]).encode()


@asynccontextmanager
async def running_range_api(**behaviour: object) -> AsyncIterator[RangeApi]:
    api = RangeApi(**behaviour)  # type: ignore[arg-type]
    server = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    api.url = f"http://{host}:{port}/range/"
    async with server:
        yield api


def digest_of(password: str) -> str:
    return sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
