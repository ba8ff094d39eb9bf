"""`dev`: everything that is needed to try the service out, made on the spot and kept in ./var."""

import asyncio
import base64
import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

import typer
from pydantic import SecretStr

from auth_service.accounts.errors import AdministratorExistsError
from auth_service.app import create_app
from auth_service.cli.configuration import load_settings
from auth_service.cli.create_admin import create_admin, generate_password
from auth_service.cli.failures import failing_clearly
from auth_service.cli.logs import configure_logs
from auth_service.cli.migrate import migrate
from auth_service.cli.server import bind, run
from auth_service.security.settings import MASTER_KEY_BYTES
from auth_service.settings import Settings
from auth_service.users.schemas import UserCreate

ADMIN_EMAIL = "admin@example.com"
_FOLDER = Path("var")


@dataclass(frozen=True, slots=True)
class DevState:
    """What has to be the same at the next start, so that the same lines work again."""

    master_key: str
    admin_password: str


def run_dev(*, host: str, port: int) -> None:
    """Migrate, make keys and an administrator, serve, and say where to go."""
    with failing_clearly():
        listener = bind(host, port)
        state = load_or_create_state(_FOLDER / "dev.json")
        base_url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        settings = load_settings(
            {
                "AUTH_DATABASE__URL": f"sqlite:///./{_FOLDER}/dev.db",
                "AUTH_SECURITY__MASTER_KEYS": state.master_key,
                "AUTH_TOKENS__ISSUER": base_url,
                "AUTH_HTTP__DOCS": "true",
            }
        )
        asyncio.run(_prepare(settings, state))
    configure_logs(as_json=False)
    run(create_app(settings), listener, when_ready=lambda: typer.echo(_welcome(base_url, state)), access_log=True)


def load_or_create_state(path: Path) -> DevState:
    """Return the kept state, or make and keep one that only its owner can read."""
    if path.exists():
        return DevState(**json.loads(path.read_text(encoding="utf-8")))
    state = DevState(
        master_key=base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)).decode(), admin_password=generate_password()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(state), file, indent=2)
    return state


async def _prepare(settings: Settings, state: DevState) -> None:
    await migrate(settings)
    password = SecretStr(state.admin_password)
    administrator = UserCreate(email=ADMIN_EMAIL, password=password, is_superuser=True, email_verified=True)
    with contextlib.suppress(AdministratorExistsError):
        await create_admin(settings, administrator, only_if_none=True)


def _welcome(base_url: str, state: DevState) -> str:
    token = (
        f"curl {base_url}/oauth/token -d grant_type=password -d username={ADMIN_EMAIL} "
        f"-d password={state.admin_password}"
    )
    return f"""
auth-service is ready.

  Try it in the browser   {base_url}/docs
  Administrator           {ADMIN_EMAIL}
  Password                {state.admin_password}
  Get a token             {token}

It is all kept in ./{_FOLDER}; delete that folder to start over. Stop with Ctrl+C.
"""
