"""Overlays and components: how many servers, where they stand, and what each component adds to production."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from auth_service.db.limits import LIMITS
from tests.support.manifests import (
    COMPONENTS,
    Manifest,
    containers,
    faults,
    kinds,
    millicores,
    pod_template,
    production_with,
    rendered,
    selects,
    settings,
    the,
)

pytestmark = pytest.mark.interop
NEED_AN_OPERATOR = {"postgresql.cnpg.io/v1", "monitoring.coreos.com/v1", "gateway.networking.k8s.io/v1"}
SERVERS = {"app.kubernetes.io/name": "auth-service", "app.kubernetes.io/component": "server"}


@pytest.mark.parametrize(("overlay", "least"), [("base", 2), ("production", 3)])
def test_an_autoscaler_alone_says_how_many_servers_there_are(
    overlay: str, least: int, request: pytest.FixtureRequest
) -> None:
    manifests: list[Manifest] = request.getfixturevalue(overlay)

    autoscaler = the("HorizontalPodAutoscaler", manifests)["spec"]

    deployment = the("Deployment", manifests)
    assert "replicas" not in deployment["spec"]
    assert autoscaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "auth-service"}
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"] > least) == (least, True)
    assert autoscaler["metrics"][0]["resource"]["name"] == "cpu"


@pytest.mark.parametrize("overlay", ["base", "production"])
def test_a_drained_node_takes_one_server_at_a_time(overlay: str, request: pytest.FixtureRequest) -> None:
    manifests: list[Manifest] = request.getfixturevalue(overlay)

    budget = the("PodDisruptionBudget", manifests)["spec"]

    assert budget["maxUnavailable"] == 1 < the("HorizontalPodAutoscaler", manifests)["spec"]["minReplicas"]
    assert budget["selector"]["matchLabels"] == pod_template("Deployment", manifests)["metadata"]["labels"]


@pytest.mark.parametrize(
    ("overlay", "over_nodes"),
    [("base", "ScheduleAnyway"), ("dev", "ScheduleAnyway"), ("production", "DoNotSchedule")],
)
def test_the_servers_spread_over_nodes_and_zones(overlay: str, over_nodes: str, request: pytest.FixtureRequest) -> None:
    template = pod_template("Deployment", request.getfixturevalue(overlay))

    constraints = template["spec"]["topologySpreadConstraints"]

    assert {constraint["topologyKey"]: constraint["whenUnsatisfiable"] for constraint in constraints} == {
        "kubernetes.io/hostname": over_nodes,
        "topology.kubernetes.io/zone": "ScheduleAnyway",
    }
    for constraint in constraints:
        assert constraint["labelSelector"]["matchLabels"] == template["metadata"]["labels"]
        assert constraint["matchLabelKeys"] == ["pod-template-hash"]
        assert constraint["nodeTaintsPolicy"] == "Honor"


@pytest.mark.parametrize("overlay", ["dev", "production"])
def test_an_overlay_has_a_namespace_that_enforces_the_restricted_standard(
    overlay: str, request: pytest.FixtureRequest
) -> None:
    manifests: list[Manifest] = request.getfixturevalue(overlay)

    namespace = the("Namespace", manifests)["metadata"]

    assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {each["metadata"]["namespace"] for each in manifests if each["kind"] != "Namespace"} == {namespace["name"]}


def test_production_asks_for_a_core_and_opens_the_port_of_metrics(production: list[Manifest]) -> None:
    [server] = containers("Deployment", production)

    assert millicores(server["resources"]["requests"]["cpu"]) == 1000
    assert {port["name"]: port["containerPort"] for port in server["ports"]} == {"http": 8000, "metrics": 9090}
    assert settings(production)["AUTH_METRICS__PORT"] == "9090"
    assert settings(production)["AUTH_METRICS__HOST"] == "0.0.0.0"  # noqa: S104 - the network policy says who comes


def test_dev_is_one_server_and_a_postgresql_as_restricted_as_itself(dev: list[Manifest]) -> None:
    pod = pod_template("StatefulSet", dev)["spec"]

    assert the("Deployment", dev)["spec"]["replicas"] == 1
    assert {"HorizontalPodAutoscaler", "PodDisruptionBudget"}.isdisjoint({kind for kind, _ in kinds(dev)})
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    [container] = pod["containers"]
    assert container["securityContext"] == containers("Deployment", dev)[0]["securityContext"]
    assert "POSTGRES_PASSWORD" not in {variable["name"] for variable in container["env"]}


@pytest.mark.parametrize(
    ("component", "added"),
    [
        (
            "cnpg",
            {
                ("Cluster", "auth-service-db"),
                ("NetworkPolicy", "auth-service-db"),
                ("NetworkPolicy", "auth-service-db-pooler"),
                ("Pooler", "auth-service-db-pooler"),
            },
        ),
        ("gateway", {("HTTPRoute", "auth-service")}),
        ("ingress", {("Ingress", "auth-service")}),
        (
            "monitoring",
            {
                ("NetworkPolicy", "auth-service-metrics"),
                ("Service", "auth-service-metrics"),
                ("ServiceMonitor", "auth-service"),
                ("PrometheusRule", "auth-service"),
                ("ConfigMap", "auth-service-dashboard"),
            },
        ),
    ],
)
def test_a_component_adds_what_it_is_for_and_takes_nothing_away(
    production: list[Manifest], tmp_path: Path, component: str, added: set[tuple[str, str]]
) -> None:
    manifests = rendered(production_with([component], tmp_path))

    assert component in COMPONENTS
    assert kinds(manifests) == kinds(production) | added
    assert {each["metadata"].get("namespace") for each in manifests} == {None, "auth-service"}


def test_all_components_render_together(production: list[Manifest], tmp_path: Path) -> None:
    manifests = rendered(production_with(COMPONENTS, tmp_path))

    assert kinds(manifests) > kinds(production)
    assert faults([each for each in manifests if each["apiVersion"] not in NEED_AN_OPERATOR], tmp_path) == ""


def test_the_database_has_synchronous_replicas_and_the_limits_that_a_pooler_keeps_back(tmp_path: Path) -> None:
    manifests = rendered(production_with(["cnpg"], tmp_path))

    cluster = the("Cluster", manifests)["spec"]
    pooler = the("Pooler", manifests)["spec"]

    assert cluster["instances"] == 3
    assert cluster["postgresql"]["synchronous"] == {"method": "any", "number": 1, "dataDurability": "required"}
    role = cluster["bootstrap"]["initdb"]["owner"]
    assert cluster["bootstrap"]["initdb"]["postInitApplicationSQL"] == [
        f"ALTER ROLE {role} SET {name} = '{value}'" for name, value in LIMITS.items()
    ]
    assert (pooler["cluster"]["name"], pooler["type"]) == (the("Cluster", manifests)["metadata"]["name"], "rw")
    assert pooler["pgbouncer"]["poolMode"] == "transaction"
    assert pooler["instances"] >= 2
    per_server = pooler["pgbouncer"]["parameters"]["default_pool_size"]
    assert pooler["instances"] * int(per_server) < int(cluster["postgresql"]["parameters"]["max_connections"])


def test_with_the_pooler_the_migration_goes_around_it(tmp_path: Path) -> None:
    manifests = rendered(production_with(["cnpg"], tmp_path))

    [secrets, tmp] = pod_template("Job", manifests)["spec"]["volumes"]

    items = {
        item["path"]: (source["secret"]["name"], item["key"])
        for source in secrets["projected"]["sources"]
        for item in source["secret"]["items"]
    }
    assert (secrets.keys(), tmp["name"]) == ({"name", "projected"}, "tmp")
    assert secrets["projected"]["defaultMode"] == 0o440
    assert items == {
        "AUTH_DATABASE__URL": (f"{the('Cluster', manifests)['metadata']['name']}-app", "uri"),
        "AUTH_SECURITY__MASTER_KEYS": ("auth-service", "AUTH_SECURITY__MASTER_KEYS"),
    }


def test_metrics_are_read_from_every_server_by_one_namespace(tmp_path: Path) -> None:
    manifests = rendered(production_with(["monitoring"], tmp_path))

    service = the("Service", manifests, "auth-service-metrics")
    monitor = the("ServiceMonitor", manifests)["spec"]
    policy = the("NetworkPolicy", manifests, "auth-service-metrics")["spec"]

    assert selects(monitor["selector"], service["metadata"]["labels"])
    assert not selects(monitor["selector"], the("Service", manifests, "auth-service")["metadata"]["labels"])
    assert service["spec"]["selector"] == policy["podSelector"]["matchLabels"] == SERVERS
    assert (monitor["endpoints"][0]["port"], monitor["endpoints"][0]["path"]) == ("metrics", "/metrics")
    assert service["spec"]["ports"] == [{"name": "metrics", "port": 9090, "targetPort": "metrics"}]
    assert [rule["ports"] for rule in policy["ingress"]] == [[{"port": "metrics"}]]


@pytest.mark.parametrize("component", ["gateway", "ingress"])
def test_a_way_in_takes_its_host_from_the_issuer_and_is_believed(tmp_path: Path, component: str) -> None:
    folder = production_with([component], tmp_path)
    file = folder / "kustomization.yaml"
    changed = file.read_text(encoding="utf-8").replace("https://auth.example.com", "https://login.example.com")
    file.write_text(changed, encoding="utf-8")

    manifests = rendered(folder)

    way_in = the("HTTPRoute" if component == "gateway" else "Ingress", manifests)["spec"]
    host = urlsplit(settings(manifests)["AUTH_TOKENS__ISSUER"]).hostname
    hosts = way_in.get("hostnames") or [*way_in["tls"][0]["hosts"], *(rule["host"] for rule in way_in["rules"])]
    assert host == "login.example.com"
    assert set(hosts) == {host}
    assert settings(manifests)["AUTH_HTTP__TRUSTED_HOPS"] == "1"
