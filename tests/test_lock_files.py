"""The lock files belong to pyproject.toml: what it asks for is locked, by hash, in a version that it allows."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
REQUIREMENTS = ROOT / "requirements"
LOCK_FILES = sorted(path.name for path in REQUIREMENTS.glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def locked(name: str) -> dict[str, str]:
    """Return the version of each package of a lock file; of one that has several, for several Pythons, the first."""
    pins = re.findall(r"^([\w.-]+)==([^ ;\\]+)", (REQUIREMENTS / name).read_text(encoding="utf-8"), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in reversed(pins)}


def missing(asked: list[str], lock_file: str) -> list[str]:
    """Return which of the requirements the lock file has not, or in a version that they do not allow."""
    pins = locked(lock_file)
    wanted = [(Requirement(text), pins.get(canonicalize_name(Requirement(text).name))) for text in asked]
    return [str(each) for each, version in wanted if version is None or not each.specifier.contains(version)]


def test_what_the_service_needs_is_locked_as_it_is_asked_for() -> None:
    asked = PROJECT["project"]["dependencies"]

    assert missing(asked, "runtime.txt") == []


def test_what_traces_is_locked_as_it_is_asked_for() -> None:
    asked = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["otel"]]

    assert missing(asked, "otel.txt") == []


def test_what_developers_need_is_locked_as_it_is_asked_for() -> None:
    asked = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["dev"]]

    assert missing(asked, "dev.txt") == []


def test_what_the_build_needs_is_locked_as_it_is_asked_for() -> None:
    asked = PROJECT["build-system"]["requires"]

    assert missing(asked, "build.txt") == []


def test_tests_run_on_the_versions_that_are_deployed() -> None:
    runtime, otel, dev = (locked(name) for name in ("runtime.txt", "otel.txt", "dev.txt"))

    assert runtime.items() <= otel.items() <= dev.items()


@pytest.mark.parametrize("name", LOCK_FILES)
def test_every_package_is_locked_by_hash_and_no_place_is_named(name: str) -> None:
    text = (REQUIREMENTS / name).read_text(encoding="utf-8")

    entries = re.split(r"\n(?=\S)", text.strip())

    assert [entry for entry in entries if not re.match(r"[\w.-]+==\S+.* \\\n +--hash=sha256:", entry)] == []
    assert "://" not in text
