"""Servers and migration: in every overlay they fit together, and a restricted namespace admits them."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from auth_service.cli.configuration import variables
from auth_service.security.settings import HashingSettings
from auth_service.serving.server import GRACE_SECONDS
from auth_service.settings import SECRETS_DIR
from auth_service.version import VERSION
from tests.support.manifests import (
    SECRET_KEYS,
    Manifest,
    containers,
    faults,
    kinds,
    mebibytes,
    pod_template,
    settings,
    the,
)

PROCESS_MEBIBYTES = 130  # what a serving process takes that hashes nothing

pytestmark = pytest.mark.interop
each_workload = pytest.mark.parametrize("kind", ["Deployment", "Job"])


def test_the_base_holds_all_that_an_installation_needs_but_its_secrets(base: list[Manifest]) -> None:
    assert kinds(base) == {
        ("ConfigMap", "auth-service"),
        ("Deployment", "auth-service"),
        ("HorizontalPodAutoscaler", "auth-service"),
        ("Job", "auth-service-migrate"),
        ("NetworkPolicy", "auth-service"),
        ("NetworkPolicy", "auth-service-migrate"),
        ("PodDisruptionBudget", "auth-service"),
        ("Service", "auth-service"),
    }


def test_every_object_passes_the_strict_schema(manifests: list[Manifest], tmp_path: Path) -> None:
    found = faults(manifests, tmp_path)

    assert found == ""


def test_the_deployment_owns_its_pods_and_nobody_elses(manifests: list[Manifest]) -> None:
    selector = the("Deployment", manifests)["spec"]["selector"]["matchLabels"]

    assert selector == pod_template("Deployment", manifests)["metadata"]["labels"]
    assert not selector.items() <= pod_template("Job", manifests)["metadata"]["labels"].items()


def test_the_service_sends_requests_to_the_servers_and_never_to_a_migration(manifests: list[Manifest]) -> None:
    service = the("Service", manifests, "auth-service")["spec"]

    [server] = containers("Deployment", manifests)
    assert service["selector"].items() <= pod_template("Deployment", manifests)["metadata"]["labels"].items()
    assert not service["selector"].items() <= pod_template("Job", manifests)["metadata"]["labels"].items()
    assert service["ports"] == [{"name": "http", "port": 80, "targetPort": "http"}]
    assert {"name": "http", "containerPort": 8000} in server["ports"]


def test_a_rollout_never_takes_a_server_away_before_its_successor_is_ready(manifests: list[Manifest]) -> None:
    strategy = the("Deployment", manifests)["spec"]["strategy"]

    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def test_only_readiness_depends_on_the_database(manifests: list[Manifest]) -> None:
    [server] = containers("Deployment", manifests)

    probes = {name: server[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}

    assert probes == {
        "startupProbe": {"path": "/livez", "port": "http"},
        "livenessProbe": {"path": "/livez", "port": "http"},
        "readinessProbe": {"path": "/readyz", "port": "http"},
    }
    assert server["readinessProbe"]["timeoutSeconds"] > 3


def test_a_leaving_server_has_time_to_drain_and_to_finish_after_the_pause(manifests: list[Manifest]) -> None:
    [server] = containers("Deployment", manifests)

    pause = server["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = TypeAdapter(timedelta).validate_python(settings(manifests)["AUTH_HTTP__DRAIN_DELAY"]).total_seconds()

    assert pause >= 5
    assert drain >= 5
    grace = pod_template("Deployment", manifests)["spec"]["terminationGracePeriodSeconds"]
    assert grace >= pause + drain + GRACE_SECONDS + 5


def test_the_migration_migrates_and_keeps_the_log_of_a_failure(manifests: list[Manifest]) -> None:
    job = the("Job", manifests)["spec"]

    [migration] = containers("Job", manifests)

    assert migration["args"] == ["migrate"]
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert job["activeDeadlineSeconds"] == 900
    assert job["ttlSecondsAfterFinished"] >= 3600


@each_workload
def test_no_container_replaces_the_command_of_the_image(manifests: list[Manifest], kind: str) -> None:
    assert [container["name"] for container in containers(kind, manifests) if "command" in container] == []


@each_workload
def test_every_pod_meets_the_restricted_standard_on_a_read_only_root(manifests: list[Manifest], kind: str) -> None:
    pod = pod_template(kind, manifests)["spec"]

    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in containers(kind, manifests):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(pod)


@each_workload
def test_every_pod_is_without_a_token_and_without_variables_of_services(manifests: list[Manifest], kind: str) -> None:
    pod = pod_template(kind, manifests)["spec"]

    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False


@each_workload
def test_secrets_are_files_that_only_the_user_of_the_image_may_read(manifests: list[Manifest], kind: str) -> None:
    volumes = pod_template(kind, manifests)["spec"]["volumes"]

    folder = settings(manifests)[SECRETS_DIR]

    secret = {"secretName": "auth-service", "defaultMode": 0o440}
    assert volumes == [{"name": "secrets", "secret": secret}, {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]
    for container in containers(kind, manifests):
        assert container["volumeMounts"] == [
            {"name": "secrets", "mountPath": folder, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
        ]


@each_workload
def test_every_container_is_set_up_by_the_config_map_alone(manifests: list[Manifest], kind: str) -> None:
    name = the("ConfigMap", manifests)["metadata"]["name"]

    assert re.fullmatch(r"auth-service-[a-z0-9]{10}", name)
    for container in containers(kind, manifests):
        assert container["envFrom"] == [{"configMapRef": {"name": name}}]
        assert "env" not in container


def test_the_config_map_holds_settings_and_none_that_is_secret(manifests: list[Manifest]) -> None:
    named = settings(manifests).keys()

    assert named <= {*variables(), SECRETS_DIR}
    assert SECRET_KEYS.isdisjoint(named)


@each_workload
def test_every_container_asks_for_what_it_needs_and_no_more_than_its_limit(
    manifests: list[Manifest], kind: str
) -> None:
    for container in containers(kind, manifests):
        requests, limits = container["resources"]["requests"], container["resources"]["limits"]

        assert requests.keys() == {"cpu", "memory"}
        assert limits.keys() == {"memory"}
        assert mebibytes(requests["memory"]) <= mebibytes(limits["memory"])


def test_the_memory_fits_the_hashing_pool(manifests: list[Manifest]) -> None:
    [server] = containers("Deployment", manifests)

    workers = int(settings(manifests)["AUTH_HASHING__WORKERS"])

    needed = PROCESS_MEBIBYTES + workers * HashingSettings(workers=workers).argon2_memory_kib / 1024
    assert mebibytes(server["resources"]["requests"]["memory"]) >= needed
    assert mebibytes(server["resources"]["limits"]["memory"]) >= 2 * needed


@each_workload
def test_every_pod_runs_the_one_release(manifests: list[Manifest], kind: str) -> None:
    images = {container["image"] for container in containers(kind, manifests)}

    [server] = containers("Deployment", manifests)
    assert images == {server["image"]}
    assert server["image"].removeprefix("registry.example.com/") == f"auth-service:{VERSION}"
