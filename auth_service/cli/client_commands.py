"""What the commands of `clients` do: one use case each, and its outcome as text or as JSON."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

import typer
from pydantic import BaseModel, TypeAdapter, ValidationError

from auth_service.authz.principal import OPERATOR
from auth_service.cli.configuration import load_settings
from auth_service.cli.failures import MISCONFIGURED, fail, failing_clearly
from auth_service.clients.credentials import is_client_id
from auth_service.clients.errors import ClientNotFoundError
from auth_service.clients.models import FIRST_PARTY_CLIENT_ID
from auth_service.clients.schemas import ClientCreate, ClientRead, ClientUpdate, ClientWithSecret
from auth_service.db.keyset import PageRequest
from auth_service.oauth.client_administration import ClientAdministration
from auth_service.wiring.runtime import Runtime

_PAGE = 100
_OPTIONS = {"grants": "--grant", "scopes": "--scope", "audiences": "--audience", "own_audience": "--own-audience"}

Answer = TypeVar("Answer")
Shape = TypeVar("Shape", bound=BaseModel)
Act = Callable[[ClientAdministration], Awaitable[Answer]]


def run_create(sent: Mapping[str, object], *, as_json: bool) -> None:
    """Create a client and show its secret."""
    new_client = _read(ClientCreate, sent)
    _show_with_secret(_run(lambda clients: clients.create(OPERATOR, new_client), writing=True), as_json=as_json)


def run_list(*, as_json: bool) -> None:
    """Print every client, a line each."""
    found = _run(_read_all, writing=False)
    if as_json:
        typer.echo(TypeAdapter(list[ClientRead]).dump_json(found, indent=2).decode())
        return
    header = ("CLIENT_ID", "KIND", "STATE", "GRANTS", "NAME")
    _print_table([header, *((c.client_id, c.kind, _state(c), ",".join(c.grants) or "-", c.name) for c in found)])


def run_show(client_id: str, *, as_json: bool) -> None:
    """Print one client."""

    async def get(clients: ClientAdministration) -> ClientRead:
        return ClientRead.model_validate(await clients.get(OPERATOR, client_id))

    _show(_run(get, client_id, writing=False), as_json=as_json)


def run_update(client_id: str, sent: Mapping[str, object], *, as_json: bool) -> None:
    """Change what was sent and print the client as it is now."""
    change = _read(ClientUpdate, sent)

    async def update(clients: ClientAdministration) -> ClientRead:
        return ClientRead.model_validate(await clients.update(OPERATOR, client_id, change))

    _show(_run(update, client_id, writing=True), as_json=as_json)


def run_rotate_secret(client_id: str, *, as_json: bool) -> None:
    """Replace the secret and show the new one."""
    rotated = _run(lambda clients: clients.rotate_secret(OPERATOR, client_id), client_id, writing=True)
    _show_with_secret(rotated, as_json=as_json)


def run_delete(client_id: str) -> None:
    """Delete the client and say so."""
    _run(lambda clients: clients.delete(OPERATOR, client_id), client_id, writing=True)
    typer.echo(f"{client_id} is deleted.")


def _run(act: Act[Answer], client_id: str = FIRST_PARTY_CLIENT_ID, *, writing: bool) -> Answer:
    """Do it in a unit of work; what cannot be an id was typed by a person and is not for the database to choke on."""

    async def run() -> Answer:
        async with Runtime(load_settings()) as runtime:
            await runtime.check_readiness()
            async with runtime.unit_of_work(writing=writing) as work:
                return await act(work.clients)

    with failing_clearly():
        if not is_client_id(client_id):
            raise ClientNotFoundError
        return asyncio.run(run())


async def _read_all(clients: ClientAdministration) -> list[ClientRead]:
    found: list[ClientRead] = []
    page = PageRequest(limit=_PAGE)
    while True:
        part = await clients.list(OPERATOR, page)
        found += map(ClientRead.model_validate, part.rows)
        if part.next_position is None:
            return found
        page = PageRequest(limit=_PAGE, after=part.next_position)


def _read(shape: type[Shape], sent: Mapping[str, object]) -> Shape:
    """Return what was typed in the shape that the service takes, or say what is wrong with it in one line."""
    try:
        return shape.model_validate(sent)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        reason = str(first["msg"]).removeprefix("Value error, ")
        if first["type"] == "string_pattern_mismatch":
            reason = "it has a character that it may not have" + (
                " in a name or a URI" if name.endswith("audiences") else ""
            )
        raise fail(f"{_OPTIONS.get(name, f'--{name}')}: {reason}", code=MISCONFIGURED) from None


def _show_with_secret(client: ClientWithSecret, *, as_json: bool) -> None:
    _show(client, as_json=as_json)
    if client.client_secret and not as_json:
        typer.echo(f"\nThe secret is {client.client_secret} — it is shown only this once.")


def _show(client: ClientRead, *, as_json: bool) -> None:
    if as_json:
        typer.echo(client.model_dump_json(indent=2))
        return
    rows = {
        "client_id": client.client_id,
        "name": client.name,
        "kind": client.kind,
        "state": _state(client),
        "grants": " ".join(client.grants),
        "scopes": " ".join(client.scopes),
        "audiences": " ".join(client.audiences) or "(the configured ones)",
        "own_audience": client.own_audience or "",
        "created_at": client.created_at.isoformat(timespec="seconds"),
        "updated_at": client.updated_at.isoformat(timespec="seconds"),
    }
    _print_table((name, text or "-") for name, text in rows.items())


def _state(client: ClientRead) -> str:
    return "active" if client.is_active else "disabled"


def _print_table(rows: Iterable[tuple[str, ...]]) -> None:
    lines = list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
