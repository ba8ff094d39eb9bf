"""What clients who dribble, idle or never read do to the others, and how soon they are cut off.

    PYTHONPATH=client .venv/bin/python -m benchmarks.slow_senders [--seconds 30] [--quick]

One replica serves with the settings that it has by itself. An honest client reads its account, one request after the
other, alone at first; then again beside each kind of hostile clients, who come from a process of their own, and come
back whenever they are cut off.
"""

import argparse
import http.client
import math
import multiprocessing
import resource
import select
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.installation import Installation, describe_machine, percentile, running_installation, table

RESULTS = Path(__file__).parent / "results" / "slow_senders.md"
GOAL_SECONDS, GOAL_TIMES = 15.0, 2.0
_ALL_DESCRIPTORS = 20_000
_BYTE_EVERY_SECONDS, _LOOK_EVERY_SECONDS = 1.0, 0.25
_SMALL_BUFFER = 4096
_NEW_AT_ONCE = 200  # what is measured is slow clients, not a flood of new ones
_HEAD = b"GET /users/me HTTP/1.1\r\nHost: auth.example.com\r\nX-Slow: "
_BODY = b"POST /users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
_LARGE = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: auth.example.com\r\n\r\n"
_HEADINGS = ("beside", "they are", "p50", "p99", "times the p99 alone", "cut off", "after at most")


@dataclass(frozen=True, slots=True)
class Hostile:
    """What some clients do: how many, what they say at once, and what a byte at a time."""

    name: str
    count: int
    at_once: bytes = b""
    slowly: bytes = b""


KINDS = (
    Hostile("headers, a byte a second", 300, _HEAD, b"a"),
    Hostile("a body, a byte a second", 300, _BODY, b"a"),
    Hostile("answers that are not read", 100, 20 * _LARGE),
    Hostile("connections that say nothing", 3000),
    Hostile("empty lines, one a second", 300, b"\r\n", b"\r\n"),
    Hostile("headers without end", 4, _HEAD, 50_000 * b"a"),
)


def main(*, seconds: float, output: Path) -> int:
    """Measure, print and write; return how many goals were missed."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (_ALL_DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with running_installation(replicas=1, settings={"AUTH_HTTP__DOCS": "true"}) as installation:
        _read(installation, min(5.0, seconds))
        alone = _read(installation, seconds)
        rows: list[Sequence[str]] = [("nobody", "", *_quantiles(alone), "", "", "")]
        missed: list[str] = []
        for kind in KINDS:
            row, misses = _beside(installation, kind, seconds, percentile(alone, 0.99))
            rows.append(row)
            missed += misses
            print(f"{kind.name}: done", file=sys.stderr)
    goals = f"Goals: cut off within {GOAL_SECONDS:g} s, and the others' p99 at most {GOAL_TIMES:g} times as long. "
    verdict = "All met." if not missed else "MISSED: " + "; ".join(missed)
    text = (
        f"# Slow and oversized senders\n\n{describe_machine('PostgreSQL 18')} `GET /users/me`, one after the other, "
        f"for {seconds:g} s beside each.\n\n{table(_HEADINGS, rows)}\n\n{goals}{verdict}\n"
    )
    output.write_text(text, encoding="utf-8")
    print(text)
    return len(missed)


def _beside(
    installation: Installation, kind: Hostile, seconds: float, alone: float
) -> tuple[Sequence[str], Sequence[str]]:
    with _attacking(kind, installation.ports[0], seconds) as report:
        took = _read(installation, seconds)
        cut_off, longest = report.recv()
    times = percentile(took, 0.99) / alone
    misses = [f"{kind.name}: {longest:.1f} s"] if longest > GOAL_SECONDS else []
    misses += [f"{kind.name}: p99 {times:.1f} times"] if times > GOAL_TIMES else []
    figures = (f"{times:.1f}", f"{cut_off:,}", f"{longest:.1f} s")
    return (kind.name, f"{kind.count:,}", *_quantiles(took), *figures), misses


def _quantiles(took: Sequence[float]) -> tuple[str, str]:
    return f"{percentile(took, 0.5):.1f} ms", f"{percentile(took, 0.99):.1f} ms"


def _read(installation: Installation, seconds: float) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", installation.ports[0], timeout=30)
    took, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        connection.request("GET", "/users/me", headers=dict(installation.administrator))
        answer = connection.getresponse()
        answer.read()
        took.append(1000 * (time.perf_counter() - began))
        if answer.status != http.client.OK:
            raise RuntimeError(f"/users/me: {answer.status}")
    connection.close()
    return took


@contextmanager
def _attacking(kind: Hostile, port: int, seconds: float) -> Iterator[Connection]:
    """Yield what says, when the time is over, how many were cut off and what the longest of them had."""
    reader, writer = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_attack, args=(kind, port, seconds, writer))
    process.start()
    reader.poll(seconds)
    reader.recv()  # it has begun
    try:
        yield reader
    finally:
        process.join()


def _attack(kind: Hostile, port: int, seconds: float, report: Connection) -> None:
    until, next_byte = time.monotonic() + seconds, 0.0
    alive: dict[socket.socket, float] = {}
    lives: list[float] = []
    report.send("begun")
    while (now := time.monotonic()) < until:
        is_time = now >= next_byte
        next_byte = now + _BYTE_EVERY_SECONDS if is_time else next_byte
        for connection in list(alive):
            if not _goes_on(connection, kind, speaks=is_time):
                lives.append(time.monotonic() - alive.pop(connection))
                connection.close()
        for _ in range(min(kind.count - len(alive), _NEW_AT_ONCE)):
            with suppress(OSError):
                alive[_begin(kind, port)] = time.monotonic()
        time.sleep(_LOOK_EVERY_SECONDS)
    oldest = min(alive.values(), default=math.inf)
    report.send((len(lives), max([*lives, time.monotonic() - oldest if alive else 0.0])))


def _begin(kind: Hostile, port: int) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
    connection.settimeout(5)
    connection.connect(("127.0.0.1", port))
    connection.sendall(kind.at_once)
    connection.setblocking(False)  # noqa: FBT003 - the standard library's own
    return connection


def _goes_on(connection: socket.socket, kind: Hostile, *, speaks: bool) -> bool:
    """Say the next byte; return whether the server still listens."""
    poll = select.poll()
    poll.register(connection, 0 if kind.at_once.startswith(_LARGE) else select.POLLIN)
    if poll.poll(0):  # it hung up, or it says what is wrong and hangs up then
        return False
    try:
        if speaks:
            connection.send(kind.slowly)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="for how long, beside each kind")
    parser.add_argument("--quick", action="store_true", help="16 seconds each, so that the slowest are cut off once")
    parser.add_argument("--output", type=Path, default=RESULTS, help="the Markdown file that is written")
    chosen = parser.parse_args()
    sys.exit(1 if main(seconds=16.0 if chosen.quick else chosen.seconds, output=chosen.output) else 0)
