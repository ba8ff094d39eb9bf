"""The dashboard and the alert rules ask for what the service says, and the alerts do what they are described to do."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.metrics_core import Metric

from tests.support.commands import ROOT
from tests.support.metrics import families_of, labels_of
from tests.support.monitoring import PANELS, RULE_GROUPS, RULES
from tests.support.promql import Asked, asked_of
from tests.support.service import Service

SCENARIOS = ROOT / "tests" / "k8s" / "alert_scenarios.yaml"
GUIDE = (ROOT / "docs" / "guides" / "observe.md").read_text()
_OF_PROMETHEUS = {"job", "instance"}  # labels that it adds to everything
_OTHERS = (  # what Prometheus says itself, and what every process does
    "up",
    "process_open_fds",
    "process_max_fds",
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
)


def _samples_of(family: Metric) -> dict[str, set[str]]:
    """Return the names that a metric's samples have, with their labels."""
    labels = set(labels_of(family))
    match family.type:
        case "counter":
            return {f"{family.name}_total": labels}
        case "histogram":
            return {
                f"{family.name}_bucket": labels | {"le"},
                f"{family.name}_count": labels,
                f"{family.name}_sum": labels,
            }
        case _:
            return {family.name: labels}


def _expressions() -> dict[str, str]:
    """Return every expression, by where it stands."""
    of_rules = {rule["alert"]: rule["expr"] for rule in RULES}
    of_panels = {
        f"{panel['title']} {target['refId']}": target["expr"] for panel in PANELS for target in panel["targets"]
    }
    return of_rules | of_panels


async def test_whatever_is_asked_for_is_a_metric_with_these_labels(service: Service) -> None:
    known: dict[str, set[str]] = {name: set() for name in _OTHERS}
    for family in await families_of(service):
        known |= _samples_of(family)

    asked = {where: asked_of(expression) for where, expression in _expressions().items()}

    assert {where: unknown for where, each in asked.items() if (unknown := _unknown(each, known))} == {}


def _unknown(asked: set[Asked], known: dict[str, set[str]]) -> list[Asked]:
    return [
        each for each in asked if each.metric not in known or not each.labels <= known[each.metric] | _OF_PROMETHEUS
    ]


async def test_every_metric_is_on_the_dashboard(service: Service) -> None:
    shown = {each.metric for panel in PANELS for target in panel["targets"] for each in asked_of(target["expr"])}

    families = await families_of(service)

    assert [family.name for family in families if not shown & _samples_of(family).keys()] == []


def test_no_two_panels_have_one_id_or_one_place() -> None:
    ids = [panel["id"] for panel in PANELS]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in PANELS]

    assert len(set(ids)) == len(ids)
    assert len(set(places)) == len(places)


def test_every_alert_is_for_somebody_and_says_what_is_wrong_and_where_to_read_on() -> None:
    anchors = {line[4:].strip().lower() for line in GUIDE.splitlines() if line.startswith("### ")}

    for rule in RULES:
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert rule["annotations"]["summary"].endswith("."), rule["alert"]
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (page, anchor) == ("docs/guides/observe.md", rule["alert"].lower())
        assert anchor in anchors


def test_the_guide_has_no_alert_that_there_is_not() -> None:
    told = re.findall(r"^### (AuthService\w+)$", GUIDE, flags=re.MULTILINE)

    assert told == [rule["alert"] for rule in RULES]


def test_each_alert_is_raised_in_one_scenario_and_not_in_another() -> None:
    checks = [check for test in yaml.safe_load(SCENARIOS.read_text())["tests"] for check in test["alert_rule_test"]]
    alerts = {rule["alert"] for rule in RULES}

    assert {check["alertname"] for check in checks if "exp_alerts" in check} == alerts
    assert {check["alertname"] for check in checks if "exp_alerts" not in check} == alerts


@pytest.fixture
def rules_file(tmp_path: Path) -> Path:
    """Return the rules as Prometheus reads them, which is a part of what its operator does."""
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": RULE_GROUPS}))
    return path


def _promtool(*arguments: str | Path) -> str:
    """Run it where it is installed; what does not need it is tested by the others."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian's package 'prometheus' has it)")
    finished = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
    return finished.stdout + finished.stderr


def test_prometheus_takes_the_rules(rules_file: Path) -> None:
    assert f"SUCCESS: {len(RULES)} rules found" in _promtool("check", "rules", rules_file)


def test_each_alert_wakes_somebody_when_it_should_and_only_then(rules_file: Path) -> None:
    scenarios = rules_file.parent / SCENARIOS.name
    scenarios.write_text(SCENARIOS.read_text())

    said = _promtool("test", "rules", scenarios)

    assert "SUCCESS" in said, said
    assert "FAILED" not in said, said
