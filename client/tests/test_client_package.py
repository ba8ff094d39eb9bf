"""The package as it is installed: in an environment where nothing of the server is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CLIENT = Path(__file__).parents[1]
REQUIREMENTS = CLIENT.parent / "requirements"
UV = Path(sys.executable).with_name("uv")

USES_IT = """
import importlib.util, pathlib, auth_service_client
from auth_service_client.testing import LocalIssuer
from auth_service_client.verifier import Verifier
import auth_service_client.asgi

with LocalIssuer() as issuer, Verifier(issuer.settings()) as verifier:
    assert verifier.verify(issuer.token(subject="ann")).subject == "ann"

names = ["fastapi", "starlette", "pydantic", "sqlalchemy", "sqlmodel", "uvicorn", "pytest", "auth_service"]
print([name for name in names if importlib.util.find_spec(name)])
print((pathlib.Path(auth_service_client.__file__).parent / "py.typed").exists(), auth_service_client.__file__)
"""
TESTS_WITH_IT = "def test_it(auth_issuer):\n    assert auth_issuer.url.startswith('http://127.0.0.1:')\n"


def run(*command: str | Path, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "COV"))}
    done = subprocess.run(
        list(map(str, command)), env={**clean, **environment}, capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pins: list[str | Path] = ["--build-constraints", REQUIREMENTS / "build.txt"]
    run(UV, "build", "-q", "--wheel", "--python", sys.executable, *pins, "-o", folder, CLIENT)
    return next(folder.glob("auth_service_client-*.whl"))


def test_it_installs_and_verifies_where_nothing_of_the_server_is(wheel: Path, tmp_path: Path) -> None:
    python = tmp_path / "empty" / "bin" / "python"
    run(UV, "venv", "-q", "--python", sys.executable, tmp_path / "empty")
    run(UV, "pip", "install", "-q", "--python", python, "-c", REQUIREMENTS / "dev.txt", wheel)

    missing, where = run(python, "-c", USES_IT).splitlines()

    assert missing == "[]"
    assert where.startswith(f"True {tmp_path}")


def test_pytest_finds_the_fixture_of_the_installed_package(wheel: Path, tmp_path: Path) -> None:
    run(UV, "pip", "install", "-q", "--no-deps", "--target", tmp_path / "site", wheel)
    (tmp_path / "test_it.py").write_text(TESTS_WITH_IT)

    command: list[str | Path] = [
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        tmp_path,
        tmp_path / "test_it.py",
    ]
    output = run(sys.executable, *command, PYTHONPATH=str(tmp_path / "site"))

    assert "1 passed" in output
