"""How long this service takes from its start until it is ready."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from benchmarks.installation import DEFAULT_HASHES, table
from benchmarks.peers.field import Field
from benchmarks.peers.notebook import Mode
from benchmarks.peers.sections import Panel, Section
from tests.support.commands import ROOT, make_operator
from tests.support.ports import free_port

_TIMES = 5
_GOAL_SECONDS = 2.0


class Start:
    """`serve` over SQLite, migrated, with its keys made; the first start only warms the files up."""

    name = "start"
    contenders = ()
    modes = (Mode.UNPINNED,)

    def __init__(self) -> None:
        self._seconds: list[float] = []

    def measure(self, field: Field) -> None:  # noqa: ARG002 - it needs nobody else
        """Start again and again."""
        with tempfile.TemporaryDirectory() as folder:
            operator = make_operator(Path(folder))
            operator.run("migrate")
            changed = {name for name, value in DEFAULT_HASHES.items() if value is None}
            environment = {name: value for name, value in operator.environment.items() if name not in changed}
            starts = [_seconds_until_ready(Path(folder), environment) for _ in range(1 + _TIMES)]
        self._seconds = starts[1:]
        print(f"starts: {', '.join(f'{each:.2f} s' for each in self._seconds)}", file=sys.stderr)

    def section(self) -> Section:
        """Return the seconds, and whether they are few enough."""
        middle = median(self._seconds)
        row = [f"{each:.2f} s" for each in (min(self._seconds), middle, max(self._seconds))]
        text = [
            f"From the start of the process to `service.ready`, SQLite, {_TIMES} starts after a first one.",
            table(["what", "least", "median", "most"], [("start to ready", *row)]),
        ]
        panels = [Panel("start to ready", "seconds", {"least": min(self._seconds), "median": middle})]
        goals = {f"at most {_GOAL_SECONDS:g} s ({middle:.2f})": middle <= _GOAL_SECONDS}
        return Section("Start", text, panels, goals)


def _seconds_until_ready(folder: Path, environment: Mapping[str, str]) -> float:
    command = [sys.executable, "-m", "auth_service", "serve", "--port", str(free_port())]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    began = time.monotonic()
    with subprocess.Popen(command, cwd=folder, env=variables, stderr=subprocess.PIPE, text=True) as process:
        try:
            seen = ""
            for line in process.stderr or ():
                seen += line
                if "service.ready" in line:
                    return time.monotonic() - began
            raise RuntimeError(seen)
        finally:
            process.terminate()
