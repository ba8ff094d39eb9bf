"""What these tests install: once for all of a run's processes, into a folder that goes away with the run's others."""

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.commands import ROOT
from tests.support.programs import find_program, miss

_WHEELS = ROOT / "requirements" / "interop.txt"


@pytest.fixture(scope="session")
def node_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the packages for programs in JavaScript."""
    npm, folder = find_program("npm"), _shared_folder(tmp_path_factory) / "node"
    install = [npm, "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
    with _first_one(folder) as is_first:
        if is_first:
            shutil.copy(ROOT / "tests" / "interop" / "node" / "package.json", folder)
            subprocess.run(install, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def run_node(node_folder: Path) -> Callable[[Path, str], str]:
    """Return what runs a program in JavaScript with its standard input and returns its standard output."""
    node = find_program("node")

    def run(program: Path, sent: str) -> str:
        copy = node_folder / program.name
        copy.write_bytes(program.read_bytes())
        result = subprocess.run([node, copy], input=sent, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with programs that come as wheels and are too large for the environment of every developer."""
    folder = _shared_folder(tmp_path_factory) / "wheels"
    uv = Path(sys.executable).with_name("uv")
    install = [str(uv), "pip", "install", "--quiet", "--python", sys.executable, "--require-hashes"]
    with _first_one(folder) as is_first:
        if is_first and subprocess.run([*install, "--target", folder, "-r", _WHEELS], check=False).returncode:
            miss("what requirements/interop.txt lists")
    return folder


def _shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of this run have: with several, each has its own one below it."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


@contextmanager
def _first_one(folder: Path) -> Iterator[bool]:
    """Let one process in at a time, and say whether nobody has been through before."""
    folder.mkdir(exist_ok=True)
    done = folder.with_suffix(".done")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not done.exists()
        done.touch()
