"""`create-admin`: an administrator, the first one or another one."""

import asyncio
import secrets
import sys

import typer
from pydantic import SecretStr, ValidationError

from auth_service.accounts.errors import AdministratorExistsError
from auth_service.authz.principal import OPERATOR
from auth_service.cli.configuration import load_settings
from auth_service.cli.failures import MISCONFIGURED, fail, failing_clearly
from auth_service.settings import Settings
from auth_service.users.schemas import UserCreate
from auth_service.wiring.runtime import Runtime


def run_create_admin(email: str, *, password_stdin: bool, if_none: bool) -> None:
    """Ask for what is needed, create the account, and print the password if it was generated."""
    with failing_clearly():
        settings = load_settings()
        if if_none and asyncio.run(_there_is_one(settings)):
            typer.echo("There is an active administrator already; nothing was done.")
            return
        password, generated = _obtain_password(from_stdin=password_stdin)
        new_user = _describe_administrator(email, password)
        try:
            asyncio.run(create_admin(settings, new_user, only_if_none=if_none))
        except AdministratorExistsError:
            typer.echo("Another process has just created an administrator; nothing was done.")
            return
    typer.echo(f"{email} is an administrator now.")
    if generated:
        typer.echo(f"The password is {password} — it is shown only this once.")


async def create_admin(settings: Settings, new_user: UserCreate, *, only_if_none: bool) -> None:
    """Create the account; raises AdministratorExistsError if `only_if_none` and there is one."""
    async with Runtime(settings) as runtime:
        await runtime.check_readiness()
        async with runtime.unit_of_work(writing=True) as work:
            registration = work.registration
            await (registration.create_first_administrator if only_if_none else registration.create)(OPERATOR, new_user)


def generate_password() -> str:
    """Return a password nobody has to remember: 120 random bits."""
    return secrets.token_urlsafe(15)


async def _there_is_one(settings: Settings) -> bool:
    async with Runtime(settings) as runtime:
        await runtime.check_readiness()
        async with runtime.unit_of_work(writing=False) as work:
            return await work.registration.has_administrator(OPERATOR)


def _describe_administrator(email: str, password: str) -> UserCreate:
    try:
        return UserCreate(email=email, password=SecretStr(password), is_superuser=True, email_verified=True)
    except ValidationError as error:
        first = error.errors()[0]
        reason = str(first["msg"]).removeprefix("Value error, ")
        raise fail(f"{'the password' if 'password' in first['loc'] else email}: {reason}", code=MISCONFIGURED) from None


def _obtain_password(*, from_stdin: bool) -> tuple[str, bool]:
    """Return the password and whether it was generated. Never an argument: arguments are visible to everybody."""
    if from_stdin:
        line = sys.stdin.buffer.readline().rstrip(b"\r\n")
        try:
            return line.decode("utf-8"), False
        except UnicodeDecodeError:
            raise fail("the password on standard input is not UTF-8", code=MISCONFIGURED) from None
    if sys.stdin.isatty():
        prompt = "Password (leave empty to have one generated)"
        typed = typer.prompt(prompt, hide_input=True, confirmation_prompt=True, default="", show_default=False)
        return (typed, False) if typed else (generate_password(), True)
    return generate_password(), True
