"""The runbook names what there is; its commands do what they say, as far as that can be seen without a cluster."""

import base64
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.manifests import COMPONENTS, K8S, OLDEST_KUBERNETES, SECRET_KEYS, Manifest
from tests.support.programs import find_program

pytestmark = pytest.mark.interop
BLOCK = re.compile(r"^( *)```bash\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


@pytest.fixture
def blocks(readme: str) -> list[str]:
    """Return the commands of each block."""
    return [
        "\n".join(line.removeprefix(indent) for line in block.splitlines()) for indent, block in BLOCK.findall(readme)
    ]


def run(commands: str, folder: Path) -> str:
    for program in ("kubectl", "openssl"):
        find_program(program)
    script = ["bash", "-euo", "pipefail", "-c", commands]
    return subprocess.run(script, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_it_promises_the_oldest_version_that_is_validated(readme: str) -> None:
    promised = re.search(r"needs Kubernetes (\d+\.\d+) or newer", readme)

    assert promised
    assert f"{promised[1]}.0" == OLDEST_KUBERNETES


def test_it_tells_of_every_component_and_every_folder_that_it_names_is_there(readme: str) -> None:
    named = set(re.findall(r"(?<!tests/)\bk8s/([\w./-]+[\w-])", readme))

    assert [path for path in sorted(named) if not (K8S / path).exists()] == []
    assert [component for component in COMPONENTS if f"`components/{component}/`" not in readme] == []


def test_every_block_of_commands_is_bash(blocks: list[str], tmp_path: Path) -> None:
    assert len(blocks) > 10

    for block in blocks:
        subprocess.run(["bash", "-n"], input=block, cwd=tmp_path, text=True, check=True)


def test_the_secret_that_it_makes_is_the_one_that_the_pods_mount(blocks: list[str], tmp_path: Path) -> None:
    [commands] = [block for block in blocks if "create secret generic auth-service -" in block]
    dry = commands.replace("/dev/stdin", "/dev/stdin --dry-run=client --output=yaml")
    url = "postgresql://auth:p%40ss@db.example.com/auth?pgbouncer=true"

    secret = yaml.safe_load(run(f"DATABASE_URL='{url}'\n{dry}", tmp_path))

    decoded = {name: base64.b64decode(text).decode() for name, text in secret["data"].items()}
    assert secret["metadata"]["name"] == "auth-service"
    assert decoded.keys() == SECRET_KEYS
    assert decoded["AUTH_DATABASE__URL"] == url
    assert len(base64.b64decode(decoded["AUTH_SECURITY__MASTER_KEYS"])) == 32


def test_the_master_key_is_changed_by_a_patch_of_the_secret(blocks: list[str], tmp_path: Path) -> None:
    [commands] = [block for block in blocks if "set_master_keys()" in block]
    [patch] = re.findall(r"printf .*\n.*--patch-file /dev/stdin", commands)
    local = patch.replace("kubectl patch secret auth-service", "kubectl patch --local -f secret.yaml --output=yaml")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "auth-service"}}
    (tmp_path / "secret.yaml").write_text(yaml.safe_dump(secret), encoding="utf-8")

    patched = yaml.safe_load(run(f"set -- new+/=,old\n{local}", tmp_path))

    assert patched == {**secret, "stringData": {"AUTH_SECURITY__MASTER_KEYS": "new+/=,old"}}


def test_what_it_applies_first_leaves_out_the_servers_and_their_address(readme: str, base: list[Manifest]) -> None:
    filters = set(re.findall(r"kubectl apply -k \S+ -l '(.*)'", readme))

    applied_first = {
        manifest["kind"]
        for manifest in base
        if manifest["metadata"]["labels"]["app.kubernetes.io/component"] != "server"
    }

    assert filters == {"app.kubernetes.io/component=database", "app.kubernetes.io/component!=server"}
    assert applied_first == {"ConfigMap", "Job", "NetworkPolicy"}


def test_the_name_of_the_database_secret_is_that_which_dev_mounts(blocks: list[str], dev: list[Manifest]) -> None:
    [commands] = [block for block in blocks if "auth-service-postgres --from-env-file" in block]

    [database] = [manifest for manifest in dev if manifest["kind"] == "StatefulSet"]

    pod = database["spec"]["template"]["spec"]
    secrets = [volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume]
    file = {variable["name"]: variable.get("value") for variable in pod["containers"][0]["env"]}[
        "POSTGRES_PASSWORD_FILE"
    ]
    assert secrets == re.findall(r"create secret generic (\S+)", commands)
    assert file == f"{pod['containers'][0]['volumeMounts'][1]['mountPath']}/password"
    assert "printf 'password=%s\\n'" in commands


def test_the_rules_for_what_goes_out_are_a_patch_that_keeps_names_and_database(readme: str) -> None:
    [egress] = [block for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if "egress" in block]

    names, cache, database, others = yaml.safe_load(egress)["egress"]

    assert [{rule["port"] for rule in each["ports"]} for each in (names, cache)] == [{53}, {53}]
    assert database == {"to": [{"ipBlock": {"cidr": "192.0.2.5/32"}}], "ports": [{"port": 5432}]}
    assert {"port": 5432} not in others["ports"]


def test_it_says_whom_the_policies_do_not_hold_until_an_operator_does_more(readme: str) -> None:
    callers = (K8S / "overlays" / "production" / "callers.yaml").read_text(encoding="utf-8")

    for text in (readme, callers):
        assert "X-Forwarded-For" in text
        assert "past the proxy" in text
        assert "no `to:`" in text


def test_every_component_that_it_shows_can_be_written_like_that(readme: str) -> None:
    [shown] = [block for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if "components" in block]

    named = yaml.safe_load(shown)["components"]

    assert [path for path in named if not (K8S / "overlays" / "production" / path).resolve().is_dir()] == []
