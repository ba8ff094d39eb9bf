"""`serve` as a process: what it logs, and how it ends."""

import json
import signal
import socket
import time
from contextlib import ExitStack
from urllib.request import urlopen

from tests.support.commands import Operator
from tests.support.ports import free_port


def test_it_serves_logs_json_lines_and_is_no_failure_when_it_is_told_to_stop(operator: Operator) -> None:
    operator.run("migrate")
    port = free_port()

    with operator.start("serve", "--port", str(port)) as program:
        log = program.ready("service.ready")
        with urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
            health = json.load(answer)
        outcome = program.stop(signal.SIGTERM)

    events = [json.loads(line) for line in (log + outcome.stderr).splitlines()]
    ready = next(event for event in events if event["event"] == "service.ready")
    assert health == {"status": "ok"}
    assert (outcome.code, outcome.stdout) == (0, "")
    assert ready.items() >= {"host": "127.0.0.1", "port": port, "issuer": "https://auth.example.com"}.items()
    assert {frozenset(event) for event in events if event is not ready} == {frozenset({"event", "level", "timestamp"})}
    operator.check(outcome)


def test_told_to_stop_it_answers_everybody_who_waits_for_revocations(operator: Operator) -> None:
    operator.run("migrate")
    port = free_port()
    request = b"GET /oauth/revocations?wait=10 HTTP/1.1\r\nHost: auth.example.com\r\n\r\n"

    with operator.start("serve", "--port", str(port)) as program, ExitStack() as exits:
        program.ready("service.ready")
        waiting = [exits.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(50)]
        for connection in waiting:
            connection.sendall(request)
        urlopen(f"http://127.0.0.1:{port}/livez").close()  # whoever came before has been heard by then
        started = time.monotonic()
        outcome = program.stop(signal.SIGTERM)
        answers = [exits.enter_context(connection.makefile("rb")).readline() for connection in waiting]

    assert outcome.code == 0
    assert answers == [b"HTTP/1.1 200 OK\r\n"] * 50
    assert time.monotonic() - started < 9  # nobody sat out their ten seconds
