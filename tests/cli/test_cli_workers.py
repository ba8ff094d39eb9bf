"""`serve --workers`: several processes behind one port, and what becomes of the others when one of them ends."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from auth_service.cli.serve import settings_of_each
from auth_service.cli.workers import Pauses
from auth_service.settings import Settings
from tests.support.commands import Operator, Program
from tests.support.ports import free_port
from tests.support.settings import make_settings, new_master_key

COUNT = 3
PATIENCE_SECONDS = 20


@contextmanager
def _serving(operator: Operator, port: int) -> Iterator[tuple[Program, list[int]]]:
    """Yield the parent and the ids of its workers."""
    with operator.start("serve", "--port", str(port), "--workers", str(COUNT)) as program:
        events = [json.loads(line) for line in program.ready("service.ready").splitlines()]
        assert events[-1]["workers"] == COUNT
        yield program, [event["worker"] for event in events if event["event"] == "worker.ready"]


def _wait_for(program: Program, event: str) -> dict[str, Any]:
    for line in program.process.stderr or ():
        logged: dict[str, Any] = json.loads(line)
        if logged["event"] == event:
            return logged
    raise AssertionError(event)


@contextmanager
def _stopped(workers: list[int]) -> Iterator[None]:
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)


def _status(port: int, path: str = "/readyz") -> int:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_SECONDS) as answer:
        status: int = answer.status
        return status


def _answering(port: int, workers: list[int]) -> list[int]:
    """Return those that answer while the others stand still."""
    answering = []
    for worker in workers:
        with _stopped([other for other in workers if other != worker]):
            answering += [worker] if _status(port) == 200 else []
    return answering


def _is_there(worker: int) -> bool:
    try:
        os.kill(worker, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_until_gone(workers: list[int]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(_is_there(worker) for worker in workers):
        assert time.monotonic() < deadline


def test_once_it_is_ready_every_worker_answers(operator: Operator, migrated_database: str) -> None:
    operator.environment["AUTH_DATABASE__URL"] = migrated_database
    port = free_port()

    with _serving(operator, port) as (program, workers):
        answering = _answering(port, workers)
        outcome = program.stop(signal.SIGTERM)

    assert answering == workers
    assert len(set(workers) - {program.process.pid}) == COUNT
    operator.check(outcome)


def test_a_worker_that_is_killed_is_replaced_and_the_others_go_on(operator: Operator) -> None:
    operator.run("migrate")
    port = free_port()

    with _serving(operator, port) as (program, workers):
        killed, *others = workers
        with _stopped([program.process.pid]):  # nobody replaces it yet
            os.kill(killed, signal.SIGKILL)
            meanwhile = _answering(port, others)
        ended = _wait_for(program, "worker.ended")
        replacement = _wait_for(program, "worker.ready")["worker"]
        answering = _answering(port, [*others, replacement])
        outcome = program.stop(signal.SIGTERM)

    assert meanwhile == others
    assert (ended["worker"], ended["by"], ended["replaced_in_seconds"]) == (killed, "signal 9", 0)
    assert answering == [*others, replacement]
    assert outcome.code == 0


def test_while_the_database_is_away_a_worker_is_replaced_again_and_again_until_it_starts(operator: Operator) -> None:
    operator.run("migrate")
    database, elsewhere = operator.folder / "auth.db", operator.folder / "elsewhere.db"

    with _serving(operator, free_port()) as (program, workers):
        database.rename(elsewhere)
        os.kill(workers[0], signal.SIGKILL)
        ends = [_wait_for(program, "worker.ended") for _ in range(3)]
        elsewhere.rename(database)
        replacement = _wait_for(program, "worker.ready")["worker"]
        outcome = program.stop(signal.SIGTERM)

    assert [(end["by"], end["replaced_in_seconds"]) for end in ends] == [
        ("signal 9", 0),
        ("exit code 2", 0.5),
        ("exit code 2", 1),
    ]
    assert ["there is no file" in fault for end in ends[1:] for fault in end["faults"]] == [True, True]
    assert replacement not in workers
    operator.check(outcome)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_all_workers_finish_what_is_in_flight(operator: Operator, how: signal.Signals) -> None:
    operator.run("migrate")
    port = free_port()
    request = b"GET /oauth/revocations?wait=10 HTTP/1.1\r\nHost: auth.example.com\r\n\r\n"

    with _serving(operator, port) as (program, workers), ExitStack() as exits:
        waiting = []
        for worker in workers:  # one connection for each, because the others do not take it
            with _stopped([other for other in workers if other != worker]):
                waiting.append(exits.enter_context(socket.create_connection(("127.0.0.1", port))))
                waiting[-1].sendall(request)
                _status(port, "/livez")  # who came before has been heard by then
        outcome = program.stop(how)
        answers = [exits.enter_context(connection.makefile("rb")).readline() for connection in waiting]

    assert (outcome.code, outcome.stdout) == (0, "")
    assert answers == [b"HTTP/1.1 200 OK\r\n"] * COUNT
    assert [worker for worker in workers if _is_there(worker)] == []
    operator.check(outcome)


def test_told_twice_by_ctrl_c_it_does_not_wait_for_a_worker_that_hangs(operator: Operator) -> None:
    operator.run("migrate")

    with _serving(operator, free_port()) as (program, workers), _stopped(workers[:1]):
        program.process.send_signal(signal.SIGINT)
        _wait_until_gone(workers[1:])  # by then the first one has been heard
        started = time.monotonic()
        outcome = program.stop(signal.SIGINT)

    assert outcome.code == 0
    assert time.monotonic() - started < 15  # nobody sat out the 25 seconds that a worker has


def test_told_to_stop_while_it_starts_it_ends_without_a_word_about_it(operator: Operator) -> None:
    operator.run("migrate")

    with operator.start("serve", "--port", str(free_port()), "--workers", str(COUNT)) as program:
        first = _wait_for(program, "Waiting for application startup.")
        outcome = program.stop(signal.SIGTERM)

    assert first["worker"] != program.process.pid
    assert outcome.code == 0
    operator.check(outcome)


def test_no_worker_outlives_a_parent_that_is_killed(operator: Operator) -> None:
    operator.run("migrate")
    port = free_port()

    with _serving(operator, port) as (program, workers):
        program.process.kill()
        log = program.stop().stderr  # it ends when the last worker has let go of it

    orphaned = [json.loads(line)["worker"] for line in log.splitlines() if "worker.orphaned" in line]
    assert sorted(orphaned) == sorted(workers)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_schema_that_is_behind_ends_it_as_it_does_without_workers(operator: Operator, empty_database: str) -> None:
    operator.environment["AUTH_DATABASE__URL"] = empty_database
    if empty_database.startswith("sqlite"):
        Path(empty_database.removeprefix("sqlite:///")).touch()

    alone, together = operator.run("serve"), operator.execute("serve", "--workers", "2", "--port", str(free_port()))

    assert alone.code == 2
    assert together == alone


def test_a_database_that_is_away_ends_it_as_it_does_without_workers(operator: Operator) -> None:
    operator.environment["AUTH_DATABASE__URL"] = f"postgresql://service@127.0.0.1:{free_port()}/auth"

    alone, together = operator.run("serve"), operator.execute("serve", "--workers", "2", "--port", str(free_port()))

    assert alone.code == 2
    assert together == alone


def test_a_worker_that_is_killed_before_all_are_ready_ends_it(operator: Operator) -> None:
    operator.run("migrate")
    starting = "import os, signal; os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGKILL))"
    command = f"{starting}; from auth_service.cli.main import app; app()"

    with operator.start_python("-c", command, "serve", "--workers", "2", "--port", str(free_port())) as program:
        outcome = program.stop()

    assert (outcome.code, outcome.stderr) == (
        1,
        "auth-service: a worker ended before it was ready (signal 9); its log says why, if it could.\n",
    )


def test_attempts_that_each_worker_would_count_by_itself_are_refused(operator: Operator) -> None:
    outcome = operator.run("serve", "--workers", "4", AUTH_THROTTLE__STORAGE="memory")

    reason = "each of the 4 processes would count by itself, and every limit would be 4 times as high"
    example = "Example: AUTH_THROTTLE__STORAGE=database"
    assert (outcome.code, outcome.stderr) == (2, f"auth-service: AUTH_THROTTLE__STORAGE: {reason}. {example}\n")


@pytest.mark.parametrize("count", ["0", "65", "many"])
def test_a_number_of_workers_that_makes_no_sense_is_refused(operator: Operator, count: str) -> None:
    outcome = operator.run("serve", "--workers", count)

    assert outcome.code == 2
    assert "--workers" in outcome.stderr


@pytest.mark.parametrize("workers", [1, 2, 64])
def test_the_processes_share_the_cores_for_password_hashes(workers: int) -> None:
    groups = {"security": {"master_keys": new_master_key()}, "tokens": {"issuer": "https://auth.example.com"}}
    by_default = Settings.model_validate(groups)

    each = settings_of_each(by_default, workers=workers)

    assert each.hashing.workers == max(1, by_default.hashing.workers // workers)
    assert each.hashing.argon2_memory_kib == by_default.hashing.argon2_memory_kib


def test_what_the_operator_says_about_password_hashes_holds_for_each_process() -> None:
    settings = make_settings("sqlite:///x.db", throttle={"storage": "database"}, hashing={"workers": 6})

    each = settings_of_each(settings, workers=4)

    assert each.hashing.workers == 6


def test_who_ends_soon_waits_twice_as_long_each_time_and_who_lived_long_does_not_wait() -> None:
    pauses = Pauses()

    soon = [pauses.after(lived=1) for _ in range(9)]
    steady = pauses.after(lived=3600)

    assert soon == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]
    assert (steady, pauses.after(lived=1)) == (0, 0.5)
