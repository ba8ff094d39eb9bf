"""Runs a built image the way a cluster does, and prints what was measured beside what is wanted.

    docker build --tag auth-service:0.1.0 .
    .venv/bin/python -m tests.k8s.try_image auth-service:0.1.0 [--engine podman]

No network is needed and no privilege is given: the root is read-only, all capabilities are dropped, the secrets are
files, the database is a SQLite file in a volume that is removed at the end. Exits with 1 when something is not so.
"""

import argparse
import base64
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auth_service.version import VERSION

MEGABYTE = 1_000_000
ADMINISTRATOR = "admin@example.com"
UNPRIVILEGED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none")

# What is asked inside of the container: image and root are described by the process that serves, number 1.
DESCRIBE = """
import importlib.metadata, json, pathlib
lines = pathlib.Path("/proc/1/status").read_text().splitlines()
status = dict(line.split(":\\t", 1) for line in lines if ":\\t" in line)
def writable(folder):
    try:
        pathlib.Path(folder, "probe").write_text("")
    except OSError:
        return False
    return True
listed = json.loads(pathlib.Path("/opt/auth-service/sbom.cdx.json").read_text())
names = {component["name"].lower() for component in [*listed["components"], listed["metadata"]["component"]]}
print(json.dumps({
    "uid": status["Uid"].split(), "gid": status["Gid"].split(), "groups": status["Groups"].split(),
    "capabilities": [int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb")],
    "writable": [folder for folder in ("/", "/opt/auth-service", "/etc", "/usr/bin") if writable(folder)],
    "tmp": writable("/tmp"),
    "unlisted": [d.name for d in importlib.metadata.distributions() if d.name.lower() not in names],
    "listed": len(names),
}))
"""
SIGN_IN = """
import sys, urllib.parse, urllib.request
form = {"grant_type": "password", "username": sys.argv[1], "password": sys.stdin.read().strip()}
answer = urllib.request.urlopen("http://127.0.0.1:8000/oauth/token", urllib.parse.urlencode(form).encode())
print(answer.status)
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of the table."""

    what: str
    wanted: str
    measured: str
    well: bool


class Engine:
    """Docker, or what speaks like it."""

    def __init__(self, command: str, image: str, folder: Path) -> None:
        self._command, self.image, self._volume = command.split(), image, f"try-image-{secrets.token_hex(4)}"
        self._mounts = (
            *("--volume", f"{self._volume}:/var/lib/auth-service", "--tmpfs", "/tmp:mode=1777,size=64m"),
            *(
                "--volume",
                f"{folder}:/run/secrets/auth-service:ro",
                "--env",
                "AUTH_SECRETS_DIR=/run/secrets/auth-service",
            ),
            *("--env", "AUTH_TOKENS__ISSUER=https://auth.example.com"),
        )

    def call(self, *arguments: str, stdin: str = "") -> str:
        """Return what it prints; raises CalledProcessError."""
        command = [*self._command, *arguments]
        return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, text=True, check=True).stdout

    def run(self, *arguments: str, stdin: str = "") -> str:
        """Run a command of the image to its end, without any privilege."""
        return self.call(
            "run", "--rm", "--interactive", *UNPRIVILEGED, *self._mounts, self.image, *arguments, stdin=stdin
        )

    @contextmanager
    def serving(self, name: str) -> Iterator[tuple[subprocess.Popen[str], float]]:
        """Serve for as long as the block lasts; yield the container's process and the seconds until it was ready."""
        command = [*self._command, "run", "--name", name, *UNPRIVILEGED, *self._mounts, self.image]
        begun = time.monotonic()
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            for line in process.stderr or ():
                if "service.ready" in line:
                    break
                sys.stderr.write(line)
            try:
                yield process, time.monotonic() - begun
            finally:
                self.call("rm", "--force", "--volumes", name)

    def remove_volume(self) -> None:
        """Remove what was stored."""
        self.call("volume", "rm", "--force", self._volume)


def examine(engine: Engine) -> Iterator[Finding]:
    """Yield what is found, in the order of a container's life."""
    [image] = json.loads(engine.call("image", "inspect", engine.image))
    yield from _findings_of_image(image)
    engine.run("migrate")
    password = secrets.token_urlsafe(16)
    engine.run("create-admin", "--email", ADMINISTRATOR, "--password-stdin", stdin=password)
    name = f"try-image-{secrets.token_hex(4)}"
    with engine.serving(name) as (process, seconds):
        yield Finding("ready", "< 2 s", f"{seconds:.2f} s", seconds < 2)
        yield from _findings_inside(json.loads(engine.call("exec", name, "python", "-c", DESCRIBE)))
        status = engine.call(
            "exec", "--interactive", name, "python", "-c", SIGN_IN, ADMINISTRATOR, stdin=password
        ).strip()
        yield Finding("an administrator signs in", "200", status, status == "200")
        check = (image["Config"].get("Healthcheck") or image["Healthcheck"])["Test"][1:]  # Podman has it higher up
        engine.call("exec", name, *check)
        yield Finding("health check, no curl", "exits with 0", check[0], "curl" not in " ".join(check))
        yield _stop(engine, name, process)


def _stop(engine: Engine, name: str, process: subprocess.Popen[str]) -> Finding:
    begun = time.monotonic()
    engine.call("stop", "--time", "20", name)
    process.wait(timeout=30)
    seconds = time.monotonic() - begun
    code = engine.call("inspect", "--format", "{{.State.ExitCode}}", name).strip()
    measured, well = f"{seconds:.2f} s, exit code {code}", seconds < 2 and code == "0"
    return Finding("stops", "< 2 s, exit code 0", measured, well)


def _findings_of_image(image: dict[str, Any]) -> Iterator[Finding]:
    size, config = image["Size"] / MEGABYTE, image["Config"]
    yield Finding("size", "< 250 MB", f"{size:.0f} MB", size < 250)
    yield Finding("user of the image", "10001:10001", config["User"], config["User"] == "10001:10001")
    entry = config["Entrypoint"]
    yield Finding("entry point, no shell", "auth-service", " ".join(entry), entry == ["auth-service"])
    labels = {name: text for name, text in config["Labels"].items() if name.startswith("org.opencontainers.image.")}
    version = labels["org.opencontainers.image.version"]
    yield Finding("labels", f"six, version {VERSION}", f"{len(labels)}, version {version}", version == VERSION)


def _findings_inside(found: dict[str, Any]) -> Iterator[Finding]:
    own = {*found["uid"], *found["gid"], *found["groups"]}
    yield Finding("user, group and groups of the process", "10001", ", ".join(sorted(own)), own == {"10001"})
    yield Finding("capabilities", "none", str(sum(found["capabilities"])), not any(found["capabilities"]))
    yield Finding("writable beside /tmp", "nothing", " ".join(found["writable"]) or "nothing", not found["writable"])
    yield Finding("/tmp is writable", "yes", "yes" if found["tmp"] else "no", found["tmp"])
    unlisted = " ".join(found["unlisted"])
    yield Finding("list of the contents", "complete", unlisted or f"{found['listed']} components", not unlisted)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Run a built image and compare it with what is wanted.")
    parser.add_argument("image", help="its name, for example auth-service:0.1.0")
    parser.add_argument("--engine", default="docker", help="docker (the default), podman, or one with options")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # the container's user reads what is made up here and thrown away
        key = base64.b64encode(os.urandom(32)).decode()
        (folder / "AUTH_SECURITY__MASTER_KEYS").write_text(key, encoding="utf-8")
        (folder / "AUTH_DATABASE__URL").write_text("sqlite:////var/lib/auth-service/auth.db", encoding="utf-8")
        engine = Engine(arguments.engine, arguments.image, folder)
        try:
            findings = list(examine(engine))
        finally:
            engine.remove_volume()
    for finding in findings:
        verdict = "ok" if finding.well else "NOT AS WANTED"
        print(f"{finding.what:<38} {finding.wanted:<20} {finding.measured:<44} {verdict}")  # noqa: T201 - a table
    sys.exit(not all(finding.well for finding in findings))


if __name__ == "__main__":
    main()
