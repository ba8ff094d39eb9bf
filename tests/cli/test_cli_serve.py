"""`serve` as a process: what it logs, and how it ends."""

import json
import signal
from urllib.request import urlopen

from tests.support.commands import Operator, free_port


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
