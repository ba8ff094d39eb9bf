"""The two formats of the log, as a process writes them."""

import json
import subprocess
import sys

from tests.support.commands import ROOT

PROGRAM = """
import logging
import structlog
from auth_service.cli.logs import configure_logs

def fail():
    password = "".join(["Tr0ub", "4dor"])
    try:
        raise RuntimeError("a row" + chr(10) + "DETAIL: with " + password)
    except RuntimeError as error:
        raise ValueError("a defect" + chr(10) + "input_value=" + password) from error

configure_logs(as_json={as_json})
logging.getLogger("uvicorn.error").warning("Careful", extra={{"color_message": "\\x1b[1mCareful"}})
structlog.get_logger().info("token.refused", reason="line one\\nline two")
try:
    fail()
except ValueError:
    structlog.get_logger().exception("request.failed")
"""


def _log(*, as_json: bool) -> str:
    program = PROGRAM.format(as_json=as_json)
    finished = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert finished.stdout == ""
    assert "Tr0ub4dor" not in finished.stderr
    assert "\x1b" not in finished.stderr
    return finished.stderr


def test_for_machines_every_event_is_one_line_of_json_and_a_traceback_shows_no_values() -> None:
    events = [json.loads(line) for line in _log(as_json=True).splitlines()]

    assert [event["event"] for event in events] == ["Careful", "token.refused", "request.failed"]
    assert [event["level"] for event in events] == ["warning", "info", "error"]
    assert events[2]["exception"].count("Traceback (most recent call last):") == 2
    assert events[2]["exception"].endswith("ValueError: a defect")


def test_for_people_an_event_is_one_line_and_a_traceback_shows_no_values() -> None:
    careful, refused, *failed = _log(as_json=False).splitlines()

    assert careful.endswith("[warning  ] Careful")
    assert "token.refused" in refused
    assert r"line one\nline two" in refused
    assert failed[-1] == "ValueError: a defect"
