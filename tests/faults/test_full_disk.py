"""SQLite on a disk without room: who writes is told so, nothing is half written, and all is well when there is room."""

import resource
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.commands import Operator
from tests.support.ports import free_port
from tests.support.replicas import EMAIL, PASSWORD
from tests.support.settings import NO_LIMITS_BY_VARIABLE

_SIGN_IN = {"grant_type": "password", "username": EMAIL, "password": PASSWORD}
_LARGE_ITEM = {"title": "A bicycle", "description": "blue " * 300}
_MORE_THAN_FIT = 500


@contextmanager
def _without_room(process: int, largest: int) -> Iterator[None]:
    """Let no file of the process grow beyond this."""
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (largest, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)


def _write_until_refused(client: httpx.Client) -> tuple[int, httpx.Response]:
    """Return how many items were acknowledged, and the first answer that is none."""
    for stored in range(_MORE_THAN_FIT):
        answer = client.post("/items", json=_LARGE_ITEM)
        if answer.status_code != 201:
            return stored, answer
    raise AssertionError("there was room for everything")


def _stored_items(file: Path) -> int:
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        count: int = connection.execute("SELECT count(*) FROM items").fetchone()[0]
    connection.close()
    return count


def test_without_room_who_writes_is_told_and_who_reads_is_served(operator: Operator) -> None:
    operator.run("migrate")
    operator.run("create-admin", "--email", EMAIL, "--password-stdin", stdin=f"{PASSWORD}\n")
    file, port = operator.folder / "auth.db", free_port()

    with (
        operator.start("serve", "--port", str(port), **NO_LIMITS_BY_VARIABLE) as program,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        program.ready("service.ready")
        token = client.post("/oauth/token", data=_SIGN_IN).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        client.headers.update(bearer)
        with _without_room(program.process.pid, file.with_name("auth.db-wal").stat().st_size + 20_000):
            stored, refused = _write_until_refused(client)
            sign_in = httpx.post(f"{client.base_url}/oauth/token", data=_SIGN_IN)
            reads = [client.get(path).status_code for path in ("/users/me", "/items", "/readyz", "/livez")]
            kept = _stored_items(file)
        written = client.post("/items", json=_LARGE_ITEM)
        outcome = program.stop(signal.SIGTERM)

    assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
    assert refused.headers["retry-after"] == "2"
    assert (sign_in.status_code, sign_in.json()["error"]) == (503, "temporarily_unavailable")
    assert reads == [200] * 4
    assert (kept, written.status_code) == (stored, 201)
    assert _stored_items(file) == stored + 1
    assert outcome.code == 0
    operator.check(outcome)
