"""Network policies: each pod has one, both ways, and it opens what is needed and nothing else."""

from typing import Any

import pytest

from tests.support.manifests import Manifest, pod_template, selects

DATABASE = {"ports": [{"port": 5432}]}
NAMES = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]

pytestmark = pytest.mark.interop
each_workload = pytest.mark.parametrize("kind", ["Deployment", "Job"])


def policies_for(kind: str, manifests: list[Manifest]) -> list[dict[str, Any]]:
    labels = pod_template(kind, manifests)["metadata"]["labels"]
    policies = [manifest["spec"] for manifest in manifests if manifest["kind"] == "NetworkPolicy"]
    return [policy for policy in policies if selects(policy["podSelector"], labels)]


@each_workload
def test_one_policy_limits_what_a_pod_hears_and_says(manifests: list[Manifest], kind: str) -> None:
    [policy] = policies_for(kind, manifests)

    assert sorted(policy["policyTypes"]) == ["Egress", "Ingress"]


@each_workload
def test_a_pod_asks_for_names_and_speaks_with_the_database_and_nobody_else(
    manifests: list[Manifest], kind: str
) -> None:
    [policy] = policies_for(kind, manifests)

    names, database = policy["egress"]

    assert database == DATABASE
    assert names["ports"] == NAMES
    assert {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}} in names["to"]


def test_nobody_speaks_with_a_migration(manifests: list[Manifest]) -> None:
    [policy] = policies_for("Job", manifests)

    # An empty list is rendered as none at all: with the type named, both admit nothing.
    assert policy.get("ingress") in ([], None)


def test_a_server_is_spoken_to_at_its_one_port(manifests: list[Manifest]) -> None:
    [policy] = policies_for("Deployment", manifests)

    [rule] = policy["ingress"]

    assert rule["ports"] == [{"port": "http"}]


def test_in_production_only_named_callers_reach_the_servers(production: list[Manifest]) -> None:
    [policy] = policies_for("Deployment", production)

    [rule] = policy["ingress"]

    assert rule["from"] == [
        {"podSelector": {}},
        {"namespaceSelector": {"matchLabels": {"auth-service/access": "allowed"}}},
    ]
