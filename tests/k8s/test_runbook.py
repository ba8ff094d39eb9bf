"""The commands of k8s/README.md, run one after the other by the real kubectl, against a stand-in for an API server."""

import base64
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.kubernetes_api import Cluster, running_api_server
from tests.support.manifests import production_with
from tests.support.programs import find_program

pytestmark = pytest.mark.interop

NAMESPACE, PRODUCTION = "auth-service", "k8s/overlays/production"
DEPLOYMENT, OWN_CLUSTER = "From an empty namespace to a signed-in administrator", "A first try"
CONTEXT = ("set-context it --cluster=it", "use-context it")
DATABASE_LABELS = {"cnpg.io/cluster": "auth-service-db", "cnpg.io/instanceRole": "primary"}

# What needs more than an API server is written down instead: pods, registries, and the service behind a forwarded port.
KUBECTL = """#!/bin/sh
case $1 in
exec) echo "$*" >>"$CALLS"; if [ "$2" = -i ]; then cat >>"$CALLS"; fi ;;
port-forward) exec tail -f /dev/null ;;
apply) exec "$REAL_KUBECTL" "$@" --validate=false ;;
create) "$REAL_KUBECTL" "$@" --dry-run=client --output=json | "$REAL_KUBECTL" create --validate=false -f - ;;
*) exec "$REAL_KUBECTL" "$@" ;;
esac
"""
OTHER = '#!/bin/sh\necho "${0##*/} $*" >>"$CALLS"\n'
PROGRAMS = {"kubectl": KUBECTL, "docker": OTHER, "git": OTHER, "sleep": OTHER, "curl": f"{OTHER}cat >/dev/null\n"}


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an operator sits: the repository, a cluster, and what was called beside it."""

    folder: Path
    cluster: Cluster
    environment: dict[str, str]
    calls: Path

    def follow(self, blocks: list[str], typed: str = "") -> list[str]:
        """Run blocks of commands in one shell; return what was called beside kubectl."""
        script = self.folder / "script.sh"
        script.write_text("\n".join(["set -euo pipefail", *blocks]), encoding="utf-8")
        result = subprocess.run(
            ["bash", script],
            cwd=self.folder,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return self.calls.read_text(encoding="utf-8").splitlines()

    def get(self, kind: str, name: str) -> dict[str, Any]:
        return self.cluster.objects[NAMESPACE, kind, name]

    def secret(self, key: str) -> str:
        return base64.b64decode(self.get("Secret", "auth-service")["data"][key]).decode()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return a desk with production, a database by its operator and an Ingress; the operator has done its part."""
    find_program("openssl")
    production_with(["cnpg", "ingress"], tmp_path)
    calls, programs = tmp_path / "calls", tmp_path / "bin"
    calls.touch()
    programs.mkdir()
    for name, text in PROGRAMS.items():
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "REAL_KUBECTL": find_program("kubectl"),
        "CALLS": str(calls),
    }
    with running_api_server() as (cluster, url):
        password = base64.b64encode(b"made-by-the-operator").decode()
        pod = {"name": "auth-service-db-1", "labels": DATABASE_LABELS}
        cluster.store(NAMESPACE, "Secret", "auth-service-db-app", {"data": {"password": password}})
        cluster.store(NAMESPACE, "Pod", "auth-service-db-1", {"metadata": pod})
        cluster.store("", "Namespace", "ingress-nginx", {})
        desk = Desk(tmp_path, cluster, environment, calls)
        desk.follow([f"kubectl config {step} >/dev/null" for step in (f"set-cluster it --server={url}", *CONTEXT)])
        yield desk


@pytest.fixture
def blocks(readme: str) -> dict[str, list[str]]:
    """Return the blocks of commands below each heading; those for a cluster of one's own stand apart."""
    sections = re.split(r"^## (.*)\n", readme, flags=re.MULTILINE)
    found: dict[str, list[str]] = {}
    for title, text in zip(sections[1::2], sections[2::2], strict=True):
        indented = re.findall(r"^( *)```bash\n(.*?)^ *```", text, flags=re.DOTALL | re.MULTILINE)
        commands = ["\n".join(line.removeprefix(indent) for line in block.splitlines()) for indent, block in indented]
        found[title] = [block for block in commands if "overlays/dev" not in block]
        found[OWN_CLUSTER] = [*found.get(OWN_CLUSTER, []), *(block for block in commands if "overlays/dev" in block)]
    return found


@pytest.fixture
def installed(desk: Desk) -> Desk:
    """Return the desk after a first deployment; what was done so far is forgotten."""
    key = base64.b64encode(base64.b64encode(os.urandom(32))).decode()
    desk.cluster.store(NAMESPACE, "Secret", "auth-service", {"data": {"AUTH_SECURITY__MASTER_KEYS": key}})
    desk.follow([f"kubectl config set-context --current --namespace={NAMESPACE}", f"kubectl apply -k {PRODUCTION}"])
    desk.cluster.journal.clear()
    return desk


def test_an_empty_namespace_comes_to_a_signed_in_administrator(desk: Desk, blocks: dict[str, list[str]]) -> None:
    calls = desk.follow(blocks[DEPLOYMENT], typed="postgresql://own\ncorrect horse battery\n")

    created = [line.removeprefix("create ") for line in desk.cluster.journal if line.startswith("create ")]
    steps = ["Cluster auth-service-db", "Secret auth-service", "Job auth-service-migrate", "Deployment auth-service"]
    assert [name for name in created if name in steps] == steps
    assert created[0] == "Namespace auth-service"
    assert desk.secret("AUTH_DATABASE__URL") == (
        "postgresql://auth:made-by-the-operator@auth-service-db-pooler:5432/auth?pgbouncer=true"
    )
    assert len(base64.b64decode(desk.secret("AUTH_SECURITY__MASTER_KEYS"))) == 32
    assert any(re.search(r"create-admin --email you@example.com --if-none$", call) for call in calls)
    assert calls[-1].startswith("curl --fail-with-body http://127.0.0.1:8000/oauth/token")


def test_a_first_try_has_a_database_whose_password_is_in_the_url(desk: Desk, blocks: dict[str, list[str]]) -> None:
    [secrets] = [block for block in blocks[DEPLOYMENT] if "create secret generic auth-service -" in block]

    desk.follow([*blocks[OWN_CLUSTER], secrets, "kubectl apply -k k8s/overlays/dev"])

    there = {
        (namespace, kind): each for (namespace, kind, _), each in desk.cluster.objects.items() if "dev" in namespace
    }
    password = desk.cluster.objects["auth-service-dev", "Secret", "auth-service-postgres"]["data"]["password"]
    url = desk.cluster.objects["auth-service-dev", "Secret", "auth-service"]["data"]["AUTH_DATABASE__URL"]
    assert {kind for _, kind in there} >= {"Deployment", "Job", "StatefulSet", "Secret", "Service"}
    assert base64.b64decode(url).decode() == (
        f"postgresql://auth:{base64.b64decode(password).decode()}@auth-service-postgres:5432/auth"
    )


def test_an_upgrade_migrates_before_the_servers_change(installed: Desk, blocks: dict[str, list[str]]) -> None:
    overlay = installed.folder / "k8s" / "overlays" / "production" / "kustomization.yaml"
    overlay.write_text(overlay.read_text(encoding="utf-8").replace("0.1.0", "9.8.7"), encoding="utf-8")

    installed.follow(blocks["Upgrade"])

    done = [line for line in installed.cluster.journal if re.search(r" (Job|Deployment) ", line)]
    assert done == [
        "delete Job auth-service-migrate",
        "create Job auth-service-migrate",
        "patch Deployment auth-service",
    ]
    for kind, name in (("Job", "auth-service-migrate"), ("Deployment", "auth-service")):
        [container] = installed.get(kind, name)["spec"]["template"]["spec"]["containers"]
        assert container["image"] == "registry.example.com/auth-service:9.8.7"


def test_a_namespace_is_let_in_by_a_label_that_the_policy_asks_for(
    installed: Desk, blocks: dict[str, list[str]]
) -> None:
    installed.follow(blocks["Who may speak with whom"])

    labels = installed.cluster.objects["", "Namespace", "ingress-nginx"]["metadata"]["labels"]
    [rule] = installed.get("NetworkPolicy", "auth-service")["spec"]["ingress"]
    assert rule["from"][1]["namespaceSelector"]["matchLabels"] == labels


def test_the_master_key_is_read_by_all_before_it_is_written_with(installed: Desk, blocks: dict[str, list[str]]) -> None:
    old = installed.secret("AUTH_SECURITY__MASTER_KEYS")

    calls = installed.follow(blocks["Rotate the master key"])

    step = ["patch Secret auth-service", "patch Deployment auth-service"]
    new = installed.secret("AUTH_SECURITY__MASTER_KEYS")
    assert installed.cluster.journal == 3 * step
    assert [call.split(" auth-service ")[-1] for call in calls] == ["keys rewrap"]
    assert (len(base64.b64decode(new)), new != old, "," in new) == (32, True, False)


def test_a_restore_happens_while_no_server_runs(installed: Desk, blocks: dict[str, list[str]]) -> None:
    calls = installed.follow(blocks["Backup and restore"])

    programs = [
        match[0]
        for call in calls
        if (match := re.search(r"pg_dump|pg_restore|DROP SCHEMA|psql|UPDATE \w+|doctor", call))
    ]
    done = [line for line in installed.cluster.journal if re.search(r" (Job|Deployment) ", line)]
    emptied, told = ["psql", "DROP SCHEMA"], ["psql", "UPDATE revocation_counter"]
    assert programs == ["pg_dump", *emptied, "pg_restore", *told, "doctor"]
    assert all("pod/auth-service-db-1 -c postgres" in call for call in calls if "pg_" in call)
    assert done[0] == done[-1] == "patch Deployment auth-service"
    assert done[1:-1] == ["delete Job auth-service-migrate", "create Job auth-service-migrate"]
    assert installed.get("Deployment", "auth-service")["spec"]["replicas"] == 3
