"""What the repository and the environment hold, and what they must not."""

import os
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_OURS = {".git", "__pycache__", "node_modules", "var", "dist", "uv.lock", "package-lock.json"}

# Written in two parts, or this file would be what it looks for.
REGISTRIES = ["py" + "pi.org", "python" + "hosted.org", "registry.npm" + "js.org", "npm" + "js.com"]
MACHINES = ["/ro" + "ot/", "/ho" + "me/", "/wo" + "rk/", "/Us" + "ers/"]


def _files(suffixes: set[str] | None = None) -> Iterator[tuple[Path, str]]:
    """Yield every text file of the repository; tools keep theirs in folders whose names begin with a dot."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS and (name == ".ci" or name[0] != ".")]
        for path in (Path(folder, name) for name in names if name not in NOT_OURS):
            if suffixes and path.suffix not in suffixes:
                continue
            with suppress(UnicodeDecodeError):
                yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def test_passlib_is_the_maintained_one_and_not_both() -> None:
    assert packages_distributions()["passlib"] == ["libpass"]
    with pytest.raises(PackageNotFoundError):
        distribution("passlib")


def test_no_file_names_a_package_registry_or_somebodys_machine() -> None:
    unwanted = [*REGISTRIES, *MACHINES]

    assert [(str(path), word) for path, text in _files() for word in unwanted if word in text] == []


def test_no_lock_file_with_addresses_is_kept() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()

    assert {"uv.lock", "package-lock.json"} <= set(ignored)


def test_the_folder_of_the_migrations_is_not_a_package() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_every_package_file_is_empty() -> None:
    inits = [(str(path), text) for path, text in _files({".py"}) if path.name == "__init__.py"]

    assert [path for path, text in inits if text] == []
    assert "auth_service/__init__.py" in dict(inits)
