"""Adds to a CycloneDX list of Python packages what else is in the image: this release, Python, Debian's packages.

Run by the Python of the image's environment: `python complete_sbom.py LIST.json`, which is changed in place.
"""

import json
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote


def complete(sbom: dict[str, Any], packages: str) -> None:
    """Add to `sbom`; `packages` is a line for each of Debian's: name, version and architecture, between tabs."""
    release = platform.freedesktop_os_release()
    sbom["metadata"]["component"]["version"] = version("auth-service")
    own = [component for component in sbom["components"] if component["name"] != "auth-service"]
    python = {
        "bom-ref": "python",
        "type": "platform",
        "name": "python",
        "version": platform.python_version(),
        "purl": f"pkg:generic/python@{platform.python_version()}",
    }
    distribution = f"{release['ID']}-{release['VERSION_ID']}"
    sbom["components"] = [*own, python, *(_debian(line, distribution) for line in packages.splitlines())]


def _debian(line: str, distribution: str) -> dict[str, str]:
    name, number, architecture = line.split("\t")
    purl = f"pkg:deb/debian/{name}@{quote(number, safe='')}?arch={architecture}&distro={distribution}"
    return {"bom-ref": purl, "type": "library", "name": name, "version": number, "purl": purl}


def _main() -> None:
    file = Path(sys.argv[1])
    sbom = json.loads(file.read_text(encoding="utf-8"))
    query = ["dpkg-query", "--show", "--showformat=${Package}\\t${Version}\\t${Architecture}\\n"]
    complete(sbom, subprocess.run(query, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - fixed
    file.write_text(json.dumps(sbom, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _main()
