"""The environments that the peers, the load generator and the pictures run in: made once, kept in an ignored folder."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.errors import EnvironmentNotMadeError

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent / ".environments"


def prepare_python(name: str, source: Path) -> Path:
    """Return the Python of an environment with what `source/requirements.txt` lists.

    Raises EnvironmentNotMadeError.
    """
    folder, wanted = ENVIRONMENTS / name, source / "requirements.txt"
    python = folder / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    steps = [
        [str(uv), "venv", "-q", "--clear", "--python", sys.executable, str(folder)],
        [str(uv), "pip", "install", "-q", "--compile-bytecode", "--python", str(python), "-r", str(wanted)],
    ]
    _make_unless_made(folder, wanted, steps)
    return python


def prepare_node(name: str, source: Path) -> Path:
    """Return a folder with the scripts of `source` beside the packages that its `package.json` lists.

    The scripts are copied: Node looks for a module's packages in the folders above its file. Raises
    EnvironmentNotMadeError.
    """
    folder, wanted = ENVIRONMENTS / name, source / "package.json"
    folder.mkdir(parents=True, exist_ok=True)
    for script in source.iterdir():
        shutil.copy(script, folder)
    quiet = ["--silent", "--no-package-lock", "--no-audit", "--no-fund", "--no-progress"]
    _make_unless_made(folder, wanted, [["npm", "install", *quiet, "--prefix", str(folder)]])
    return folder


def installed_python(python: Path, *packages: str) -> str:
    """Return the packages with their versions, for the report."""
    script = (
        "import sys; from importlib.metadata import version;"
        "print(', '.join(f'{name} {version(name)}' for name in sys.argv[1:]))"
    )
    done = subprocess.run([str(python), "-c", script, *packages], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def installed_node(folder: Path, *packages: str) -> str:
    """Return Node and the packages with their versions, for the report."""
    script = (
        "console.log([`Node ${process.versions.node}`, ...process.argv.slice(1).map((name) => "
        "`${name} ${JSON.parse(require('fs').readFileSync(`node_modules/${name}/package.json`)).version}`)].join(', '))"
    )
    command = ["node", "-e", script, *packages]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _make_unless_made(folder: Path, wanted: Path, steps: Sequence[Sequence[str]]) -> None:
    """Run the steps, unless a stamp says that they were run for the same list of packages."""
    stamp = ENVIRONMENTS / f"{folder.name}.made"
    if stamp.exists() and stamp.read_text() == wanted.read_text():
        return
    print(f"making the environment of {folder.name} (once)...", file=sys.stderr)
    stamp.unlink(missing_ok=True)
    for step in steps:
        try:
            subprocess.run(step, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            message = f"the packages of {folder.name} could not be installed ({error}): is there a network, uv and npm?"
            raise EnvironmentNotMadeError(message) from error
    stamp.write_text(wanted.read_text())
