"""The dashboard and the alert rules, as they are in the repository."""

import json
from typing import Any

import yaml

from tests.support.commands import ROOT

_COMPONENT = ROOT / "k8s" / "components" / "monitoring"

RULE_GROUPS: list[dict[str, Any]] = yaml.safe_load((_COMPONENT / "rules.yaml").read_text())["spec"]["groups"]
RULES: list[dict[str, Any]] = [rule for group in RULE_GROUPS for rule in group["rules"]]
PANELS: list[dict[str, Any]] = [
    panel for panel in json.loads((_COMPONENT / "dashboard.json").read_text())["panels"] if panel["type"] != "row"
]
