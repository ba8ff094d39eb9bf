"""The compose file: for one machine, without a secret of its own, and as unprivileged as a pod."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from auth_service.cli.configuration import variables
from auth_service.version import VERSION

FILE = Path(__file__).parents[2] / "compose.yaml"


@pytest.fixture
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"]
    return found


def test_no_secret_has_a_default(services: dict[str, dict[str, Any]]) -> None:
    environment = {**services["database"]["environment"], **services["server"]["environment"]}

    secrets = [environment[name] for name in ("POSTGRES_PASSWORD", "AUTH_SECURITY__MASTER_KEYS")]

    assert all(":?" in secret for secret in secrets)
    assert environment["AUTH_DATABASE__URL"] == "postgresql://auth:${POSTGRES_PASSWORD}@database:5432/auth"


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
    assert service["environment"].keys() <= variables().keys()
