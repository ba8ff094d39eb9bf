"""A real Prometheus reads a real `serve`, takes the rules, and has an answer to every panel of the dashboard."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.commands import Operator, make_operator
from tests.support.monitoring import PANELS, RULE_GROUPS, RULES
from tests.support.ports import free_port

_PATIENCE_SECONDS = 30.0


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return make_operator(tmp_path)


@contextmanager
def _prometheus(folder: Path, metrics_port: int) -> Iterator[httpx.Client]:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed (Debian has a package of that name)")
    target = {"job_name": "auth-service", "static_configs": [{"targets": [f"127.0.0.1:{metrics_port}"]}]}
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": RULE_GROUPS}))
    configuration = {"global": {"scrape_interval": "1s"}, "rule_files": ["rules.yaml"], "scrape_configs": [target]}
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
    port = free_port()
    process = subprocess.Popen(
        [
            program,
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1") as client:
            yield client
    finally:
        process.kill()
        process.wait()


def _query(client: httpx.Client, expression: str) -> list[dict[str, Any]]:
    answer = client.get("/query", params={"query": expression.replace("$__rate_interval", "1m")}).json()
    assert answer["status"] == "success", (expression, answer)
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def _wait_for(client: httpx.Client, expression: str) -> None:
    """Return when there is an answer."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if _query(client, expression):
                return
        except (httpx.TransportError, ValueError):  # it is not up yet
            pass
        time.sleep(0.1)
    raise AssertionError(expression)


def test_it_reads_the_metrics_takes_the_rules_and_answers_every_panel(operator: Operator, tmp_path: Path) -> None:
    operator.run("migrate")
    port, metrics_port = free_port(), free_port()
    variables = {"AUTH_METRICS__PORT": str(metrics_port)}

    with operator.start("serve", "--port", str(port), **variables) as program:
        program.ready("service.ready")
        with _prometheus(tmp_path, metrics_port) as prometheus:
            httpx.get(f"http://127.0.0.1:{port}/livez")
            _wait_for(prometheus, "count_over_time(auth_service_info[1m]) > 2")
            loaded = prometheus.get("/rules").json()["data"]["groups"]
            answers = [_query(prometheus, target["expr"]) for panel in PANELS for target in panel["targets"]]
        program.stop(signal.SIGTERM)

    assert [rule["name"] for group in loaded for rule in group["rules"]] == [rule["alert"] for rule in RULES]
    assert [rule["lastError"] for group in loaded for rule in group["rules"] if "lastError" in rule] == []
    assert sum(bool(answer) for answer in answers) > len(answers) / 2  # of the others nothing has happened yet
