"""The Dockerfile builds from locked, listed inputs and yields an image that needs no privilege."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from auth_service.version import VERSION

ROOT = Path(__file__).parents[2]

RUNTIME_STAGE = "run"


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """Split the Dockerfile into its instructions: each a keyword and the rest of it, on one line."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in joined.splitlines() if line.strip()]


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")

    result = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)

    assert (result.returncode, result.stdout) == (0, "")


def test_every_stage_starts_from_the_one_base_image_argument(dockerfile: list[tuple[str, str]]) -> None:
    first = dockerfile[0]

    bases = {rest.split()[0] for keyword, rest in dockerfile if keyword == "FROM"}

    assert first[0] == "ARG"
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", first[1])
    assert bases == {"${PYTHON_IMAGE}"}


def test_the_image_runs_as_a_user_and_a_group_that_are_not_root(dockerfile: list[tuple[str, str]]) -> None:
    users = [rest for keyword, rest in dockerfile if keyword == "USER"]

    assert users == ["10001:10001"]


def test_the_command_is_the_console_script_without_a_shell(dockerfile: list[tuple[str, str]]) -> None:
    instructions = dict(dockerfile)

    assert instructions["ENTRYPOINT"] == '["auth-service"]'
    assert instructions["CMD"] == '["serve", "--host", "0.0.0.0", "--port", "8000"]'
    assert instructions["EXPOSE"] == "8000"


def test_nothing_is_installed_without_a_hash(dockerfile: list[tuple[str, str]]) -> None:
    commands = [part.strip() for keyword, rest in dockerfile if keyword == "RUN" for part in rest.split("&&")]
    installs = [command for command in commands if re.search(r"\bpip install\b", command)]

    unhashed = [command for command in installs if "--require-hashes" not in command]

    # The one that is left takes the project's own wheel, and nothing else.
    assert len(installs) == len(unhashed) + 3
    assert [re.search(r"--no-deps --offline .*/wheel/\*\.whl$", command) is not None for command in unhashed] == [True]


@pytest.mark.parametrize(("tool", "lock_file"), [("hatchling", "build"), ("uv", "build"), ("cyclonedx-bom", "sbom")])
def test_the_tools_of_the_build_are_in_its_lock_files(tool: str, lock_file: str) -> None:
    lock = (ROOT / "requirements" / f"{lock_file}.txt").read_text(encoding="utf-8")

    assert re.search(rf"^{tool}==\S+ \\\n\s+--hash=sha256:", lock, re.MULTILINE)


def test_the_build_context_holds_what_is_copied_and_nothing_else(dockerfile: list[tuple[str, str]]) -> None:
    ignore_file = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in ignore_file if line and not line.startswith("#")]

    copied = {
        source
        for keyword, rest in dockerfile
        if keyword == "COPY" and not rest.startswith("--from=build ")
        for source in rest.split()[:-1]
    }

    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied
    assert [source for source in sorted(copied) if not (ROOT / source).exists()] == []


def test_the_labels_name_the_release_its_licence_its_commit_and_its_base(dockerfile: list[tuple[str, str]]) -> None:
    [labels] = [rest for keyword, rest in dockerfile if keyword == "LABEL"]

    named = dict(re.findall(r'org\.opencontainers\.image\.([a-z.]+)="([^"]*)"', labels))

    assert named.keys() == {"title", "description", "version", "revision", "licenses", "base.name"}
    assert (named["version"], named["licenses"]) == (VERSION, "MIT")
    assert (named["revision"], named["base.name"]) == ("${REVISION}", "${PYTHON_IMAGE}")


def test_the_health_check_is_the_image_s_own_python(dockerfile: list[tuple[str, str]]) -> None:
    [check] = [rest for keyword, rest in dockerfile if keyword == "HEALTHCHECK"]

    command = json.loads(check.partition("CMD ")[2])

    assert command[:2] == ["python", "-c"]
    assert "/livez" in command[2]


def test_the_image_lists_its_contents(dockerfile: list[tuple[str, str]]) -> None:
    commands = [rest for keyword, rest in dockerfile if keyword == "RUN"]

    [listing] = [command for command in commands if "cyclonedx-py environment /opt/auth-service " in command]

    assert listing.endswith("complete_sbom.py /opt/auth-service/sbom.cdx.json")


def test_the_last_stage_takes_only_the_environment_from_the_build(dockerfile: list[tuple[str, str]]) -> None:
    start = dockerfile.index(("FROM", f"${{PYTHON_IMAGE}} AS {RUNTIME_STAGE}"))

    copies = [rest for keyword, rest in dockerfile[start:] if keyword in {"COPY", "ADD"}]

    assert copies == ["--from=build /opt/auth-service /opt/auth-service"]


@pytest.mark.parametrize("unwanted", ["--link", "<<", "--mount"])
def test_the_dockerfile_uses_nothing_that_an_old_buildah_lacks(
    dockerfile: list[tuple[str, str]], unwanted: str
) -> None:
    assert [rest for _, rest in dockerfile if unwanted in rest] == []


@pytest.mark.parametrize(
    "name", ["Dockerfile", "requirements/build.txt", "requirements/otel.txt", "requirements/sbom.txt"]
)
def test_no_address_of_a_package_registry_is_written_down(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")

    hosts = set(re.findall(r"https?://([\w.-]+)", text))

    assert hosts <= {"127.0.0.1"}
    assert "--index" + "-url" not in text
