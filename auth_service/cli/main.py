"""The command line: what there is to say, and nothing that takes long to import."""

import sys
from typing import Annotated

import typer

from auth_service.cli import clients, keys
from auth_service.version import VERSION

app = typer.Typer(
    name="auth-service",
    epilog="Settings come from the environment (AUTH_...); 'auth-service doctor' says what is missing.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(clients.app, name="clients")
app.add_typer(keys.app)


_UNNEEDED = ("rich", "pydantic.v1")
"""What libraries load when they find it, and a server has no use for: colours, and models of an old kind; 5 MB."""


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"auth-service {VERSION}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Run the identity service: people sign in and get a token, other services verify it."""


Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)]


@app.command()
def dev(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    env: Annotated[
        bool, typer.Option("--env", help="Start nothing: print the settings, secrets too, for other commands to use.")
    ] = False,
) -> None:
    """Start it here and now: SQLite in ./var, an administrator, /docs. For trying out and developing."""
    from auth_service.cli.dev import print_environment, run_dev

    (print_environment if env else run_dev)(host=host, port=port)


@app.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(help="Processes that answer on the port.", min=1, max=64)] = 1,
) -> None:
    """Serve for real. Refuses to start on weak or missing secrets or a schema that is behind."""
    for unneeded in _UNNEEDED:
        sys.modules[unneeded] = None  # type: ignore[assignment] # who would like to have it does without
    from auth_service.cli.serve import run_serve

    run_serve(host=host, port=port, workers=workers)


@app.command()
def migrate() -> None:
    """Bring the database to what this release needs. Safe to run from several replicas at once."""
    from auth_service.cli.migrate import run_migrate

    run_migrate()


@app.command()
def create_admin(
    email: Annotated[str, typer.Option(help="The administrator's e-mail address.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    if_none: Annotated[
        bool, typer.Option("--if-none", help="Do nothing when there is an active administrator already.")
    ] = False,
) -> None:
    """Create an administrator. The password comes from a prompt or standard input, or is generated and printed."""
    from auth_service.cli.create_admin import run_create_admin

    run_create_admin(email, password_stdin=password_stdin, if_none=if_none)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")] = False,
) -> None:
    """Say what is misconfigured and how to mend it."""
    from auth_service.cli.doctor import run_doctor

    run_doctor(as_json=as_json)


@app.command()
def export_openapi(
    output: Annotated[str, typer.Option(help="File to write; '-' is standard output.")] = "-",
) -> None:
    """Write the OpenAPI document."""
    from auth_service.cli.export_openapi import run_export_openapi

    run_export_openapi(output)
