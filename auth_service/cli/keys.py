"""`keys`: what an operator can do with the signing keys, and nothing that takes long to import."""

from typing import Annotated

import typer

app = typer.Typer(
    name="keys",
    help="The keys that tokens are signed with: list, rotate, revoke, rewrap.",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]


@app.command(name="list")
def list_keys(as_json: AsJson = False) -> None:
    """List the signing keys: what each is used for, since when and until when."""
    from auth_service.cli.key_commands import run_list

    run_list(as_json=as_json)


@app.command()
def rotate(
    emergency: Annotated[
        bool, typer.Option("--emergency", help="Now, although some verifiers may not know the next key yet.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let the next key sign from now on. It happens by itself too: AUTH_TOKENS__KEY_ROTATION_INTERVAL."""
    from auth_service.cli.key_commands import run_rotate

    run_rotate(emergency=emergency, as_json=as_json)


@app.command(context_settings={"ignore_unknown_options": True})  # the name of a key may begin with a dash
def revoke(
    kid: Annotated[str, typer.Argument(help="The name of the key, as 'keys list' prints it.")],
    emergency: Annotated[
        bool, typer.Option("--emergency", help="Also when it is the key that signs now: the next one takes over.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a compromised key: every token that it signed is refused from now on."""
    from auth_service.cli.key_commands import run_revoke

    run_revoke(kid, emergency=emergency, as_json=as_json)


@app.command()
def rewrap(as_json: AsJson = False) -> None:
    """Encrypt everything that is stored encrypted under the first master key, so that the older ones can go."""
    from auth_service.cli.key_commands import run_rewrap

    run_rewrap(as_json=as_json)
