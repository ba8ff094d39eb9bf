"""The service as the project starts it: a process of its own with a real HTTP server, spoken to byte by byte."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from auth_service.cli.dev import ADMIN_EMAIL
from tests.support.ports import free_port

_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Server:
    """A running `dev`; its log is what it wrote to standard error."""

    port: int
    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sign_in(self) -> str:
        """Return an access token of the administrator that `dev` made."""
        state = json.loads((self.folder / "var" / "dev.json").read_text())
        form = {"grant_type": "password", "username": ADMIN_EMAIL, "password": state["admin_password"]}
        token: str = httpx.post(f"{self.url}/oauth/token", data=form).json()["access_token"]
        return token

    async def exchange(self, *pieces: bytes, hang_up: bool = False) -> Answer | None:
        """Send the pieces, for as long as the server listens, and return the first answer, if there is one."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            answer = asyncio.ensure_future(_read_answer(reader))
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                if hang_up:
                    writer.write_eof()
            try:
                return await answer
            finally:
                writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> Answer | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    line, *fields = head.decode("latin-1").strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(line.split()[1]), headers, body)


_ON_ANY_DATABASE = """
from auth_service.cli import dev
dev._ALWAYS_OWN = set()
dev.run_dev(host="127.0.0.1", port={port})
"""


@contextmanager
def serving(folder: Path, *, database_url: str | None = None, **variables: str) -> Iterator[Server]:
    """Run `dev` in an empty folder, with these settings of its environment, until the block ends.

    It works on no database but its own; with `database_url` it is made to take that one for its own.
    """
    port, log = free_port(), folder / "log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AUTH_")}
    command = [sys.executable, "-m", "auth_service", "dev", "--port", str(port)]
    if database_url is not None:
        variables["AUTH_DATABASE__URL"] = database_url
        command = [sys.executable, "-c", _ON_ANY_DATABASE.format(port=port)]
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, **variables, "PYTHONPATH": str(_ROOT)},
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process,
    ):
        try:
            _wait_until_ready(process, log)
            yield Server(port, folder)
        finally:
            process.terminate()


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    if not any(b"is ready" in line for line in process.stdout or []):
        raise RuntimeError(log.read_text())
