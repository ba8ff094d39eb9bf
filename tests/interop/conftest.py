"""What these tests install: once for all of a run's processes, into a folder that goes away with the run's others."""

import fcntl
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.commands import ROOT
from tests.support.programs import find_program


@pytest.fixture(scope="session")
def run_node(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, str], str]:
    """Return what runs a program in JavaScript with its standard input and returns its standard output."""
    node, folder = find_program("node"), _shared_folder(tmp_path_factory) / "node"

    def run(program: Path, sent: str) -> str:
        copy = folder / program.name
        copy.write_bytes(program.read_bytes())
        result = subprocess.run([node, copy], input=sent, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout

    with _alone(folder):
        _install_packages(folder)
    return run


def _install_packages(folder: Path) -> None:
    if (folder / "node_modules").exists():
        return
    npm = find_program("npm")
    shutil.copy(ROOT / "tests" / "interop" / "node" / "package.json", folder)
    install = [npm, "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(install, cwd=folder, check=True, capture_output=True)


def _shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of this run have: with several, each has its own one below it."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
