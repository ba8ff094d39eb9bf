"""`clients`: what there is to say to its commands, and nothing that takes long to import."""

from typing import Annotated

import typer

app = typer.Typer(help="Programs that ask for tokens, and services that check them.", no_args_is_help=True)

ClientId = Annotated[str, typer.Argument(metavar="CLIENT_ID", help="The client's id.")]
Name = Annotated[str, typer.Option(help="What people call it.")]
GrantOption = typer.Option("--grant", help="password, refresh_token or client_credentials; once for each.")
ScopeOption = typer.Option("--scope", help="The most that its tokens can be good for; once for each.")
AudienceOption = typer.Option("--audience", help="Whom its tokens can be made out to; once for each.")
OwnAudienceOption = typer.Option(help="What it calls itself, when tokens are made out to it.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command()
def create(
    name: Name,
    public: Annotated[bool, typer.Option("--public", help="It cannot keep a secret: a browser or mobile app.")] = False,
    grants: Annotated[list[str] | None, GrantOption] = None,
    scopes: Annotated[list[str] | None, ScopeOption] = None,
    audiences: Annotated[list[str] | None, AudienceOption] = None,
    own_audience: Annotated[str | None, OwnAudienceOption] = None,
    as_json: AsJson = False,
) -> None:
    """Create a client. Its id and secret are generated; the secret is shown only this once."""
    from auth_service.cli.client_commands import run_create

    kind = "public" if public else "confidential"
    run_create(_sent(grants, scopes, audiences, own_audience) | {"name": name, "kind": kind}, as_json=as_json)


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List the clients, the oldest first."""
    from auth_service.cli.client_commands import run_list

    run_list(as_json=as_json)


@app.command()
def show(client_id: ClientId, as_json: AsJson = False) -> None:
    """Show a client."""
    from auth_service.cli.client_commands import run_show

    run_show(client_id, as_json=as_json)


@app.command()
def update(
    client_id: ClientId,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    grants: Annotated[list[str] | None, GrantOption] = None,
    scopes: Annotated[list[str] | None, ScopeOption] = None,
    audiences: Annotated[list[str] | None, AudienceOption] = None,
    own_audience: Annotated[str | None, OwnAudienceOption] = None,
    as_json: AsJson = False,
) -> None:
    """Change a client. What is not given stays as it is; an empty value ('') takes all of it away."""
    from auth_service.cli.client_commands import run_update

    named = {} if name is None else {"name": name}
    run_update(client_id, _sent(grants, scopes, audiences, own_audience) | named, as_json=as_json)


@app.command()
def disable(client_id: ClientId, as_json: AsJson = False) -> None:
    """Refuse a client and end its sessions, for good: enabling it does not bring them back."""
    from auth_service.cli.client_commands import run_update

    run_update(client_id, {"is_active": False}, as_json=as_json)


@app.command()
def enable(client_id: ClientId, as_json: AsJson = False) -> None:
    """Let a disabled client ask for tokens again."""
    from auth_service.cli.client_commands import run_update

    run_update(client_id, {"is_active": True}, as_json=as_json)


@app.command()
def rotate_secret(client_id: ClientId, as_json: AsJson = False) -> None:
    """Give a client a new secret, shown only this once. The old one ends at once."""
    from auth_service.cli.client_commands import run_rotate_secret

    run_rotate_secret(client_id, as_json=as_json)


@app.command()
def delete(client_id: ClientId) -> None:
    """Delete a client for good, its sessions with it."""
    from auth_service.cli.client_commands import run_delete

    run_delete(client_id)


def _sent(
    grants: list[str] | None, scopes: list[str] | None, audiences: list[str] | None, own_audience: str | None
) -> dict[str, object]:
    """Return what was given, under the names of the fields; an empty value is none."""
    lists = {"grants": grants, "scopes": scopes, "audiences": audiences}
    sent: dict[str, object] = {name: [one for one in given if one] for name, given in lists.items() if given}
    return sent if own_audience is None else {**sent, "own_audience": own_audience or None}
