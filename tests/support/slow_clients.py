"""Clients who take their time, on sockets of their own: what they send a byte at a time, or never read."""

import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_PAUSE_SECONDS = 0.05
_PATIENCE_SECONDS = 30.0


@contextmanager
def connected(port: int, *, receive_buffer: int | None = None) -> Iterator[socket.socket]:
    with socket.socket() as connection:
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(_PATIENCE_SECONDS)
        connection.connect(("127.0.0.1", port))
        yield connection


def dribble(connection: socket.socket, endless: bytes) -> bytes:
    """Send a byte now and again until the server says something or hangs up, and return what it said."""
    for byte in endless:
        if select.select([connection], [], [], _PAUSE_SECONDS)[0]:
            return read_to_the_end(connection)
        with suppress(ConnectionError):
            connection.send(bytes([byte]))
    raise AssertionError("the server would have listened for ever")


def pour(connection: socket.socket, piece: bytes, *, most: int) -> bytes:
    """Send `piece` again and again until the server says something or hangs up, and return what it said."""
    for _ in range(most // len(piece)):
        if select.select([connection], [], [], 0)[0]:
            return read_to_the_end(connection)
        try:
            connection.sendall(piece)
        except ConnectionError:
            return read_to_the_end(connection)
    raise AssertionError("the server took it all")


def read_to_the_end(connection: socket.socket) -> bytes:
    """Return everything that comes until the server hangs up, in whatever way."""
    pieces = []
    with suppress(ConnectionError):
        while piece := connection.recv(65_536):
            pieces.append(piece)
    return b"".join(pieces)


def read_livez(connection: socket.socket) -> None:
    """Read one answer of a process that lives, and nothing beyond it."""
    answer = b""
    while not answer.endswith(b'{"status":"ok"}'):
        answer += connection.recv(1)


def wait_until_hung_up_on(connection: socket.socket) -> None:
    """Return when the server has destroyed the connection, though nothing of what it sent was read."""
    poll = select.poll()
    poll.register(connection, 0)
    assert poll.poll(_PATIENCE_SECONDS * 1000), "the server would have waited for ever"


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])
