"""The compose file: for one machine, without a secret of its own, and as unprivileged as a pod."""

import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
import yaml

from auth_service.cli.configuration import variables
from auth_service.settings import SECRETS_DIR
from auth_service.version import VERSION

FILE = Path(__file__).parents[2] / "compose.yaml"


def _file() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


@pytest.fixture
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = _file()["services"]
    return found


def test_no_secret_is_in_the_environment(services: dict[str, dict[str, Any]]) -> None:
    mounted = {name: service["secrets"] for name, service in services.items()}
    environment = {name: value for service in services.values() for name, value in service["environment"].items()}

    settings = ["AUTH_DATABASE__URL", "AUTH_SECURITY__MASTER_KEYS"]
    assert mounted == {"database": ["POSTGRES_PASSWORD"], "migrate": settings, "server": settings}
    assert environment == {
        "POSTGRES_USER": "auth",
        "POSTGRES_DB": "auth",
        "POSTGRES_PASSWORD_FILE": "/run/secrets/POSTGRES_PASSWORD",
        "AUTH_SECRETS_DIR": "/run/secrets",
        "AUTH_TOKENS__ISSUER": "${AUTH_TOKENS__ISSUER:-https://auth.example.com}",
        "AUTH_HTTP__DOCS": "true",
    }


def test_what_is_run_once_makes_files_behind_a_closed_folder_and_refuses_a_second_time(tmp_path: Path) -> None:
    top = [
        line.removeprefix("#").strip()
        for line in FILE.read_text(encoding="utf-8").partition("services:")[0].splitlines()
    ]
    once = "\n".join(top[top.index("") + 1 : top.index(")") + 1])

    first, again = (subprocess.run(["bash", "-c", once], cwd=tmp_path, check=False).returncode for _ in range(2))

    folder = tmp_path / "var" / "compose"
    files = {name: tmp_path / secret["file"] for name, secret in _file()["secrets"].items()}
    assert (first, again) == (0, 1)
    assert (folder.stat().st_mode & 0o777, {path.stat().st_mode & 0o777 for path in files.values()}) == (0o700, {0o644})
    password = files["POSTGRES_PASSWORD"].read_text(encoding="utf-8")
    assert files["AUTH_DATABASE__URL"].read_text(encoding="utf-8") == f"postgresql://auth:{password}@database:5432/auth"
    assert len(b64decode(files["AUTH_SECURITY__MASTER_KEYS"].read_text(encoding="utf-8"))) == 32


def test_it_is_reached_from_this_machine_alone(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]

    assert ports == ["127.0.0.1:8000:8000"]


def test_the_server_starts_when_the_migration_is_done_and_that_when_the_database_answers(
    services: dict[str, dict[str, Any]],
) -> None:
    waits = {name: service.get("depends_on") for name, service in services.items()}

    assert waits == {
        "database": None,
        "migrate": {"database": {"condition": "service_healthy"}},
        "server": {"migrate": {"condition": "service_completed_successfully"}},
    }
    assert services["migrate"]["command"] == ["migrate"]


@pytest.mark.parametrize("name", ["migrate", "server"])
def test_it_runs_the_release_without_privileges(services: dict[str, dict[str, Any]], name: str) -> None:
    service = services[name]

    assert service["image"] == f"auth-service:{VERSION}"
    assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (True, ["ALL"], ["/tmp"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["environment"].keys() <= {*variables(), SECRETS_DIR}
