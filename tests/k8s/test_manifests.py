"""The kustomize base renders to objects that fit together and that a restricted namespace admits."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

K8S = Path(__file__).parents[2] / "k8s"
OLDEST_KUBERNETES = "1.30.0"
SECRET_KEYS = {"AUTH_DATABASE__URL", "AUTH_SECURITY__MASTER_KEYS"}

Manifest = dict[str, Any]

pytestmark = pytest.mark.interop
each_workload = pytest.mark.parametrize("kind", ["Deployment", "Job"])


def render(folder: Path) -> str:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    return subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def rendered() -> str:
    return render(K8S / "base")


@pytest.fixture(scope="module")
def base(rendered: str) -> list[Manifest]:
    return list(yaml.safe_load_all(rendered))


@pytest.fixture(scope="module")
def readme() -> str:
    return (K8S / "README.md").read_text(encoding="utf-8")


def the(kind: str, manifests: list[Manifest]) -> Manifest:
    [found] = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def pod_template(kind: str, manifests: list[Manifest]) -> Manifest:
    template: Manifest = the(kind, manifests)["spec"]["template"]
    return template


def containers(kind: str, manifests: list[Manifest]) -> list[Manifest]:
    pod = pod_template(kind, manifests)["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


def test_the_base_holds_the_servers_their_address_their_settings_and_the_migration(base: list[Manifest]) -> None:
    names = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in base}

    settings = the("ConfigMap", base)["metadata"]["name"]
    assert names == {
        ("ConfigMap", settings),
        ("Deployment", "auth-service"),
        ("Job", "auth-service-migrate"),
        ("Service", "auth-service"),
    }
    assert re.fullmatch(r"auth-service-[a-z0-9]{10}", settings)


@pytest.mark.parametrize("version", [[], ["--kubernetes-version", OLDEST_KUBERNETES]], ids=["newest", "oldest"])
def test_every_object_passes_the_strict_schema(rendered: str, tmp_path: Path, version: list[str]) -> None:
    file = tmp_path / "base.yaml"
    file.write_text(rendered, encoding="utf-8")
    validate = Path(sys.executable).with_name("kubernetes-validate")

    result = subprocess.run(
        [validate, "--strict", "--quiet", *version, file], capture_output=True, text=True, check=False
    )

    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_the_readme_promises_the_oldest_version_that_is_validated(readme: str) -> None:
    promised = re.search(r"needs Kubernetes (\d+\.\d+) or newer", readme)

    assert promised
    assert f"{promised[1]}.0" == OLDEST_KUBERNETES


def test_the_deployment_owns_its_pods_and_nobody_elses(base: list[Manifest]) -> None:
    selector = the("Deployment", base)["spec"]["selector"]["matchLabels"]

    assert selector == pod_template("Deployment", base)["metadata"]["labels"]
    assert not selector.items() <= pod_template("Job", base)["metadata"]["labels"].items()


def test_the_service_sends_requests_to_the_servers_and_never_to_a_migration(base: list[Manifest]) -> None:
    service = the("Service", base)["spec"]

    [server] = containers("Deployment", base)
    assert service["selector"].items() <= pod_template("Deployment", base)["metadata"]["labels"].items()
    assert not service["selector"].items() <= pod_template("Job", base)["metadata"]["labels"].items()
    assert service["ports"] == [{"name": "http", "port": 80, "targetPort": "http"}]
    assert server["ports"] == [{"name": "http", "containerPort": 8000}]


def test_a_rollout_never_takes_a_server_away_before_its_successor_is_ready(base: list[Manifest]) -> None:
    deployment = the("Deployment", base)["spec"]

    assert deployment["replicas"] == 2
    assert deployment["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def test_the_servers_spread_over_nodes_and_zones_but_start_without_them(base: list[Manifest]) -> None:
    template = pod_template("Deployment", base)

    constraints = template["spec"]["topologySpreadConstraints"]

    assert [constraint["topologyKey"] for constraint in constraints] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]
    for constraint in constraints:
        assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
        assert constraint["labelSelector"]["matchLabels"] == template["metadata"]["labels"]


def test_only_readiness_depends_on_the_database(base: list[Manifest]) -> None:
    [server] = containers("Deployment", base)

    probes = {name: server[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}

    assert probes == {
        "startupProbe": {"path": "/livez", "port": "http"},
        "livenessProbe": {"path": "/livez", "port": "http"},
        "readinessProbe": {"path": "/readyz", "port": "http"},
    }
    assert server["readinessProbe"]["timeoutSeconds"] > 3


def test_a_leaving_server_has_time_to_finish_after_the_pause(base: list[Manifest]) -> None:
    [server] = containers("Deployment", base)

    pause = server["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert pause >= 5
    assert pod_template("Deployment", base)["spec"]["terminationGracePeriodSeconds"] >= pause + 30


def test_the_migration_migrates_and_keeps_the_log_of_a_failure(base: list[Manifest]) -> None:
    job = the("Job", base)["spec"]

    [migration] = containers("Job", base)

    assert migration["args"] == ["migrate"]
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert job["activeDeadlineSeconds"] == 900
    assert job["ttlSecondsAfterFinished"] >= 3600


@each_workload
def test_no_container_replaces_the_command_of_the_image(base: list[Manifest], kind: str) -> None:
    assert [container["name"] for container in containers(kind, base) if "command" in container] == []


@each_workload
def test_every_pod_meets_the_restricted_standard_on_a_read_only_root(base: list[Manifest], kind: str) -> None:
    pod = pod_template(kind, base)["spec"]

    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in containers(kind, base):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(pod)


@each_workload
def test_every_pod_is_without_a_token_and_without_variables_of_services(base: list[Manifest], kind: str) -> None:
    pod = pod_template(kind, base)["spec"]

    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False


@each_workload
def test_every_mount_has_its_volume_and_tmp_is_writable(base: list[Manifest], kind: str) -> None:
    volumes = pod_template(kind, base)["spec"]["volumes"]

    mounts = [mount for container in containers(kind, base) for mount in container["volumeMounts"]]

    assert mounts == [{"name": "tmp", "mountPath": "/tmp"}]
    assert volumes == [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]


@each_workload
def test_every_container_asks_for_what_it_needs_and_no_more_than_its_limit(base: list[Manifest], kind: str) -> None:
    for container in containers(kind, base):
        requests, limits = container["resources"]["requests"], container["resources"]["limits"]

        assert requests.keys() == {"cpu", "memory"}
        assert limits.keys() == {"memory"}
        assert mebibytes(requests["memory"]) <= mebibytes(limits["memory"])


def mebibytes(quantity: str) -> int:
    number = re.fullmatch(r"(\d+)Mi", quantity)
    assert number, f"write {quantity} in Mi"
    return int(number[1])


@each_workload
def test_every_pod_runs_the_one_release(base: list[Manifest], kind: str) -> None:
    images = {container["image"] for container in containers(kind, base)}

    [server] = containers("Deployment", base)
    assert images == {server["image"]}
    assert re.fullmatch(r"auth-service:\d+\.\d+\.\d+", server["image"])


@each_workload
def test_every_container_is_set_up_by_the_config_map_and_then_the_secret(base: list[Manifest], kind: str) -> None:
    settings = the("ConfigMap", base)["metadata"]["name"]

    for container in containers(kind, base):
        assert container["envFrom"] == [{"configMapRef": {"name": settings}}, {"secretRef": {"name": "auth-service"}}]
        assert "env" not in container


def test_the_config_map_holds_settings_and_none_that_is_secret(base: list[Manifest]) -> None:
    settings = the("ConfigMap", base)["data"]

    assert settings == {"AUTH_HASHING__WORKERS": "2"}
    assert SECRET_KEYS.isdisjoint(settings)


def test_the_readme_makes_the_secret_that_the_pods_refer_to(readme: str) -> None:
    command = re.search(r"printf '(.*)'.*\|\n +kubectl create secret generic (\S+)", readme)

    assert command
    assert set(re.findall(r"(AUTH_\w+)=%s", command[1])) == SECRET_KEYS
    assert command[2] == "auth-service"


def test_the_filter_of_the_readme_leaves_out_the_servers_and_their_address(base: list[Manifest], readme: str) -> None:
    filters = set(re.findall(r"kubectl apply -k \S+ -l '(.*)'", readme))

    applied_first = {
        manifest["kind"]
        for manifest in base
        if manifest["metadata"]["labels"]["app.kubernetes.io/component"] != "server"
    }

    assert filters == {"app.kubernetes.io/component!=server"}
    assert applied_first == {"ConfigMap", "Job"}


def test_the_overlay_of_the_readme_reaches_every_pod(readme: str, tmp_path: Path) -> None:
    [overlay] = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    changed = dedent(overlay).replace('newTag: "0.1.0"', 'newTag: "9.8.7"').replace("https://auth.", "https://login.")
    shutil.copytree(K8S / "base", tmp_path / "base")
    folder = tmp_path / "overlays" / "mine"
    folder.mkdir(parents=True)
    (folder / "kustomization.yaml").write_text(changed, encoding="utf-8")

    manifests = list(yaml.safe_load_all(render(folder)))

    settings = the("ConfigMap", manifests)
    assert {manifest["metadata"]["namespace"] for manifest in manifests} == {"auth-service"}
    assert settings["data"] == {"AUTH_TOKENS__ISSUER": "https://login.example.com", "AUTH_HASHING__WORKERS": "2"}
    for container in [*containers("Deployment", manifests), *containers("Job", manifests)]:
        assert container["image"] == "registry.example.com/auth-service:9.8.7"
        assert container["envFrom"][0] == {"configMapRef": {"name": settings["metadata"]["name"]}}
