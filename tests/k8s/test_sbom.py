"""The list of what is in the image names this release, Python and Debian's packages beside Python's."""

import platform
import runpy
from pathlib import Path
from typing import Any

import pytest

from auth_service.version import VERSION

SCRIPT = Path(__file__).parents[2] / "requirements" / "complete_sbom.py"


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the script's function, on Debian 12 and beside an installed release."""
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "debian", "VERSION_ID": "12"})
    monkeypatch.setattr("importlib.metadata.version", {"auth-service": VERSION}.__getitem__)
    return runpy.run_path(str(SCRIPT))["complete"]


def test_a_list_of_python_packages_is_completed(complete: Any) -> None:
    fastapi = {"name": "fastapi", "version": "0.165.0"}
    sbom: dict[str, Any] = {
        "metadata": {"component": {"name": "auth-service"}},
        "components": [fastapi, {"name": "auth-service", "version": VERSION}],
    }

    complete(sbom, "libc6\t2.36-9+deb12u1\tamd64\nlogin\t1:4.13\tamd64")

    assert sbom["metadata"]["component"] == {"name": "auth-service", "version": VERSION}
    assert sbom["components"][0] == fastapi
    assert [component["purl"] for component in sbom["components"][1:]] == [
        f"pkg:generic/python@{platform.python_version()}",
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=amd64&distro=debian-12",
        "pkg:deb/debian/login@1%3A4.13?arch=amd64&distro=debian-12",
    ]
    assert len({component["bom-ref"] for component in sbom["components"][1:]}) == 3
