"""`dev`: everything that is needed to try the service out, made on the spot and kept in ./var."""

import asyncio
import base64
import contextlib
import json
import os
import secrets
import shlex
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import typer
from pydantic import SecretStr

from auth_service.accounts.errors import AdministratorExistsError
from auth_service.cli.configuration import ConfigurationError, load_settings
from auth_service.cli.create_admin import create_admin, generate_password
from auth_service.cli.failures import MISCONFIGURED, fail, failing_clearly
from auth_service.cli.logs import configure_logs
from auth_service.cli.metrics import metrics_ports
from auth_service.cli.migrate import migrate
from auth_service.cli.ports import bind
from auth_service.cli.serve import serve_application
from auth_service.mail.settings import MailTransport
from auth_service.oauth.errors import OAuthError
from auth_service.security.settings import MASTER_KEY_BYTES
from auth_service.settings import Settings
from auth_service.tokens.errors import UnusableSigningKeyError
from auth_service.users.errors import EmailTakenError
from auth_service.users.schemas import UserCreate
from auth_service.wiring.runtime import Runtime

ADMIN_EMAIL = "admin@example.com"
_FOLDER = Path("var")
_ALWAYS_OWN = {"AUTH_DATABASE__URL", "AUTH_SECURITY__MASTER_KEYS"}


@dataclass(frozen=True, slots=True)
class DevState:
    """What has to be the same at the next start, so that the same lines work again."""

    master_key: str = field(repr=False)
    admin_password: str = field(repr=False)


def run_dev(*, host: str, port: int) -> None:
    """Migrate, make keys and an administrator, serve, and say where to go."""
    with bind(host, port) as listener:
        base_url = base_url_of(host, port)
        state = load_or_create_state(_FOLDER / "dev.json")
        with failing_clearly():
            settings = load_dev_settings(base_url, state)
            password_works = asyncio.run(prepare(settings, state))
        welcome = _welcome(base_url, settings.tokens.issuer, state if password_works else None)
        configure_logs(as_json=False)
        with metrics_ports(settings.metrics, workers=1) as metrics:
            ready = partial(typer.echo, welcome)
            serve_application(settings, listener, metrics, when_ready=ready)


def print_environment(*, host: str, port: int) -> None:
    """Print what other commands need to work on what `dev` serves, for a shell to evaluate."""
    own = _own_environment(base_url_of(host, port), load_or_create_state(_FOLDER / "dev.json"))
    for name, value in own.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def base_url_of(host: str, port: int) -> str:
    """Return where this machine reaches the service: a wildcard is an address to listen on, not one to go to."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - it is replaced here
    return f"http://{f'[{reachable}]' if ':' in reachable else reachable}:{port}"


def load_or_create_state(path: Path) -> DevState:
    """Return the kept state, or make and keep one that only its owner can read."""
    try:
        return DevState(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else _create_state(path)
    except (TypeError, ValueError):
        line = f"{path} is damaged. Put it back as it was, or delete ./{_FOLDER} to start over."
    except OSError as error:
        line = f"{path} cannot be used: {error.strerror}. Start in a folder that you may write to."
    raise fail(line, code=MISCONFIGURED)


def _create_state(path: Path) -> DevState:
    state = DevState(
        master_key=base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)).decode(), admin_password=generate_password()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(state), file, indent=2)
    return state


def load_dev_settings(base_url: str, state: DevState) -> Settings:
    """Read the settings; what the environment does not say, `dev` chooses.

    Raises ConfigurationError when the environment names another database or other keys: those may be real ones.
    """
    own = _own_environment(base_url, state)
    lines = [
        f"{name}: it is set, and 'dev' works on nothing but ./{_FOLDER}. Unset it, or use 'serve'."
        for name, value in os.environ.items()
        if name.upper() in _ALWAYS_OWN and value != own[name.upper()]
    ]
    if lines:
        raise ConfigurationError(lines)
    return load_settings(own)


def _own_environment(base_url: str, state: DevState) -> dict[str, str]:
    return {
        "AUTH_DATABASE__URL": f"sqlite:///./{_FOLDER}/dev.db",
        "AUTH_SECURITY__MASTER_KEYS": state.master_key,
        "AUTH_TOKENS__ISSUER": base_url,
        "AUTH_HTTP__DOCS": "true",
        "AUTH_HTTP__ACCESS_LOG": "true",
        "AUTH_MAIL__TRANSPORT": MailTransport.CONSOLE,
    }


async def prepare(settings: Settings, state: DevState) -> bool:
    """Make what is missing; return whether the administrator signs in with the password that is kept."""
    await migrate(settings)
    password = SecretStr(state.admin_password)
    administrator = UserCreate(email=ADMIN_EMAIL, password=password, is_superuser=True, email_verified=True)
    with contextlib.suppress(AdministratorExistsError, EmailTakenError):
        await create_admin(settings, administrator, only_if_none=True)
    async with Runtime(settings) as runtime:
        await _load_keys(runtime)
        return await _signs_in(runtime, state)


async def _signs_in(runtime: Runtime, state: DevState) -> bool:
    """Try the very line that is printed."""
    form = {"grant_type": "password", "username": ADMIN_EMAIL, "password": state.admin_password, "scope": "admin"}
    try:
        async with runtime.unit_of_work(writing=True) as work:
            await work.token_endpoint.issue(form, None)
    except OAuthError:
        return False
    return True


async def _load_keys(runtime: Runtime) -> None:
    try:
        await runtime.load_keys()
    except UnusableSigningKeyError as error:
        mend = f"Put back the {_FOLDER}/dev.json that it was made with, or start over with an empty database."
        raise fail(f"{error}. {mend}", code=MISCONFIGURED) from None


def _welcome(base_url: str, issuer: str, state: DevState | None) -> str:
    other_issuer = "" if issuer == base_url else f"  Issuer                  {issuer} (AUTH_TOKENS__ISSUER)\n"
    return f"""
auth-service is ready.

  Try it in the browser   {base_url}/docs
  Mail                    is printed here; its links lead to the pages of your front end (AUTH_MAIL__LINK_BASE)
{other_issuer}{_administrator_lines(base_url, state)}
It is all kept in ./{_FOLDER}; delete that folder to start over. Stop with Ctrl+C.
"""


def _administrator_lines(base_url: str, state: DevState | None) -> str:
    if state is None:
        return f"""  Administrator           one that you made or changed: the password that was made for {ADMIN_EMAIL}
                          and is kept in ./{_FOLDER}/dev.json does not sign in
"""
    token = (
        f"curl {shlex.quote(f'{base_url}/oauth/token')} -d grant_type=password -d username={ADMIN_EMAIL} "
        f"-d password={state.admin_password}"
    )
    return f"""  Administrator           {ADMIN_EMAIL}
  Password                {state.admin_password}
  Get a token             {token}
"""
