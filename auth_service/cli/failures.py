"""How a command fails: one clear line on standard error and an exit code."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from auth_service.authenticators.errors import UnusableSeedError
from auth_service.cli.configuration import ConfigurationError
from auth_service.db.errors import DatabaseUnavailableError, SchemaBehindError
from auth_service.errors import ServiceError
from auth_service.tokens.errors import UnusableSigningKeyError

MISCONFIGURED = 2
REFUSED = 1

_PUT_IT_BACK = "Put the one that it was made with back into AUTH_SECURITY__MASTER_KEYS, behind the new one."


Tell = Callable[[str], None]


def write_to_operator(line: str) -> None:
    """Write `line` to standard error."""
    typer.echo(f"auth-service: {line}", err=True)


def fail(line: str, *, code: int, tell: Tell = write_to_operator) -> typer.Exit:
    """Tell why, and return what to raise."""
    tell(line)
    return typer.Exit(code)


@contextmanager
def failing_clearly(tell: Tell = write_to_operator) -> Iterator[None]:
    """Turn what a command may run into into such a line; anything else is a defect and keeps its traceback."""
    try:
        yield
    except ConfigurationError as error:
        for line in error.lines:
            tell(line)
        raise typer.Exit(MISCONFIGURED) from None
    except UnusableSigningKeyError as error:
        raise fail(f"{error}. {_PUT_IT_BACK}", code=MISCONFIGURED, tell=tell) from None
    except UnusableSeedError as error:
        what = f"the authenticator app of the account {error.user_id} cannot be opened with the configured master keys"
        raise fail(f"{what}. {_PUT_IT_BACK}", code=MISCONFIGURED, tell=tell) from None
    except DatabaseUnavailableError as error:
        raise fail(describe_outage(error), code=MISCONFIGURED, tell=tell) from None
    except SchemaBehindError as error:
        raise fail(error.detail, code=MISCONFIGURED, tell=tell) from None
    except ServiceError as error:
        raise fail(error.detail, code=REFUSED, tell=tell) from None


def describe_outage(error: DatabaseUnavailableError) -> str:
    """Say what is wrong with the database, and what to look at."""
    cause = cause_of_outage(error)
    example = "AUTH_DATABASE__URL=postgresql://user:a-random-one@db.example.com:5432/auth"
    return f"the database cannot be used: {cause}. Start it or correct its address. Example: {example}"


def cause_of_outage(error: DatabaseUnavailableError) -> str:
    """Return what the driver says in one line; some causes have several and some have none."""
    cause = str(getattr(error.__cause__, "orig", None) or error.__cause__ or "").strip() or "no answer in time"
    return cause.splitlines()[0]
