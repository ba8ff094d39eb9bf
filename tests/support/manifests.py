"""The Kubernetes manifests as `kubectl kustomize` renders them, and what tests ask of them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.support.programs import find_program

K8S = Path(__file__).parents[2] / "k8s"
COMPONENTS = sorted(folder.name for folder in (K8S / "components").iterdir())
OLDEST_KUBERNETES = "1.30.0"
SECRET_KEYS = {"AUTH_DATABASE__URL", "AUTH_SECURITY__MASTER_KEYS"}

Manifest = dict[str, Any]


def render(folder: Path) -> str:
    return subprocess.run(
        [find_program("kubectl"), "kustomize", folder], capture_output=True, text=True, check=True
    ).stdout


def rendered(folder: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(render(folder)))


def faults(manifests: list[Manifest], folder: Path) -> str:
    """Return what Kubernetes' own schemas find, the oldest that is promised and the newest; nothing if all is well."""
    file = folder / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(manifests), encoding="utf-8")
    validate = Path(sys.executable).with_name("kubernetes-validate")
    results = [
        subprocess.run([validate, "--strict", "--quiet", *version, file], capture_output=True, text=True, check=False)
        for version in ([], ["--kubernetes-version", OLDEST_KUBERNETES])
    ]
    return "".join(f"{result.stdout}{result.stderr}" for result in results if result.returncode)


def production_with(components: list[str], folder: Path) -> Path:
    """Return the production overlay in `folder`, as somebody leaves it who adds these components."""
    copy = folder / "k8s"
    shutil.copytree(K8S, copy)
    file = copy / "overlays" / "production" / "kustomization.yaml"
    overlay = yaml.safe_load(file.read_text(encoding="utf-8"))
    overlay["components"] = [f"../../components/{name}" for name in components]
    file.write_text(yaml.safe_dump(overlay), encoding="utf-8")
    return file.parent


def the(kind: str, manifests: list[Manifest], name: str | None = None) -> Manifest:
    """Return the only one of its kind, or of its kind and name."""
    [found] = [
        manifest for manifest in manifests if manifest["kind"] == kind and name in {None, manifest["metadata"]["name"]}
    ]
    return found


def kinds(manifests: list[Manifest]) -> set[tuple[str, str]]:
    """Return kind and name of each; the hash at the end of a generated name is taken away."""
    return {(each["kind"], re.sub(r"-[a-z0-9]{10}$", "", each["metadata"]["name"])) for each in manifests}


def pod_template(kind: str, manifests: list[Manifest]) -> Manifest:
    template: Manifest = the(kind, manifests)["spec"]["template"]
    return template


def containers(kind: str, manifests: list[Manifest]) -> list[Manifest]:
    pod = pod_template(kind, manifests)["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


def settings(manifests: list[Manifest]) -> dict[str, str]:
    found: dict[str, str] = the("ConfigMap", manifests)["data"]
    return found


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Return whether a selector of pods, an empty one too, selects a pod with these labels."""
    assert not selector.keys() - {"matchLabels"}, "write matchLabels, so that this stays readable"
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()


def mebibytes(quantity: str) -> int:
    number = re.fullmatch(r"(\d+)Mi", quantity)
    assert number, f"write {quantity} in Mi"
    return int(number[1])


def millicores(quantity: str) -> int:
    return int(quantity.removesuffix("m")) if quantity.endswith("m") else int(quantity) * 1000
