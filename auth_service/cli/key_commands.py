"""Does what `keys` says, and reports it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import typer

from auth_service.authz.principal import OPERATOR
from auth_service.cli.configuration import load_settings
from auth_service.cli.failures import failing_clearly
from auth_service.security.secrets import Rewrapped
from auth_service.tokens.key_inventory import KeyEntry
from auth_service.tokens.models import KeyState
from auth_service.wiring.runtime import Runtime
from auth_service.wiring.unit_of_work import UnitOfWork

Result = TypeVar("Result")

_HEADINGS = ("STATE", "KID", "ALGORITHM", "CREATED", "SIGNS FROM", "UNTIL", "MASTER KEY")
_ENCRYPTED = {"signing_keys": "Signing keys", "totp_seeds": "Seeds of authenticator apps", "queued_mail": "Queued mail"}


def run_list(*, as_json: bool) -> None:
    """Print the keys."""
    _print_keys(_do(lambda work: work.key_inventory.list(), writing=False), as_json=as_json)


def run_rotate(*, emergency: bool, as_json: bool) -> None:
    """Rotate, and print the keys."""

    async def rotate(work: UnitOfWork) -> Sequence[KeyEntry]:
        await work.key_rotation.rotate(OPERATOR, emergency=emergency)
        return await work.key_inventory.list()

    keys = _do(rotate)
    if not as_json:
        kid = next(key.kid for key in keys if key.state == KeyState.ACTIVE)
        typer.echo(f"{kid} signs now. Every replica follows within AUTH_TOKENS__KEY_REFRESH_INTERVAL.\n")
    _print_keys(keys, as_json=as_json)


def run_revoke(kid: str, *, emergency: bool, as_json: bool) -> None:
    """Remove a key, and print the others."""

    async def revoke(work: UnitOfWork) -> Sequence[KeyEntry]:
        await work.key_rotation.revoke(OPERATOR, kid, emergency=emergency)
        return await work.key_inventory.list()

    keys = _do(revoke)
    if not as_json:
        typer.echo(
            f"{kid} is gone. Every replica refuses its tokens within AUTH_TOKENS__KEY_REFRESH_INTERVAL; other services "
            "do as soon as they read the revocation feed or refetch the keys.\n"
        )
    _print_keys(keys, as_json=as_json)


def run_rewrap(*, as_json: bool) -> None:
    """Encrypt anew, and say how much that was."""
    with failing_clearly():
        done = asyncio.run(_rewrap())
    if as_json:
        counts = {
            what: {"rewrapped": batch.changed, "total": batch.total, "unopened": batch.unopened}
            for what, batch in done.items()
        }
        typer.echo(json.dumps(counts, indent=2))
        return
    for what, batch in done.items():
        rest = f"no master key opens {batch.unopened}, all others" if batch.unopened else "all"
        typer.echo(
            f"{_ENCRYPTED[what]}: {batch.changed} of {batch.total} encrypted anew; "
            f"{rest} are under the first master key now."
        )


def _rewrap_mail(work: UnitOfWork, last: UUID | None) -> Awaitable[Rewrapped]:
    return work.rewrap_mail(OPERATOR, after=last)


def _rewrap_seeds(work: UnitOfWork, last: UUID | None) -> Awaitable[Rewrapped]:
    return work.second_factors.rewrap_batch(work.audit, OPERATOR, after=last)


_BATCHES = {"totp_seeds": _rewrap_seeds, "queued_mail": _rewrap_mail}


async def _rewrap() -> dict[str, Rewrapped]:
    """Return of each thing that is encrypted how many were encrypted anew, and how many there are.

    Of what there may be many, each batch is committed by itself, so that nobody waits for long.
    """
    async with Runtime(load_settings()) as runtime:
        await runtime.check_readiness()
        async with runtime.unit_of_work(writing=True) as work:
            done = {"signing_keys": Rewrapped(*await work.key_inventory.rewrap(OPERATOR), last=None)}
        for what, rewrap in _BATCHES.items():
            changed, total, unopened, last = 0, 0, 0, None
            while True:
                async with runtime.unit_of_work(writing=True) as work:
                    batch = await rewrap(work, last)
                changed, total, unopened = changed + batch.changed, total + batch.total, unopened + batch.unopened
                last = batch.last
                if last is None:
                    break
            done[what] = Rewrapped(changed, total, None, unopened)
        return done


def _do(act: Callable[[UnitOfWork], Awaitable[Result]], *, writing: bool = True) -> Result:
    async def run() -> Result:
        async with Runtime(load_settings()) as runtime:
            await runtime.check_readiness()
            async with runtime.unit_of_work(writing=writing) as work:
                return await act(work)

    with failing_clearly():
        return asyncio.run(run())


def _print_keys(keys: Sequence[KeyEntry], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(key) for key in keys], indent=2, default=datetime.isoformat))
        return
    if not keys:
        typer.echo("None yet: 'auth-service serve' makes them.")
        return
    rows = [_HEADINGS, *(_row(key) for key in keys)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(key: KeyEntry) -> tuple[str, ...]:
    not_before = f"not before {_write(key.signs_not_before)}" if key.signs_not_before else _write(key.activated_at)
    ends = {KeyState.ACTIVE: ("signs until", key.rotates_at), KeyState.RETIRED: ("published until", key.removed_after)}
    what, moment = ends.get(KeyState(key.state), ("", None))
    until = f"{what} {_write(moment)}" if moment else "-"
    return (key.state, key.kid, key.algorithm, _write(key.created_at), not_before, until, key.master_key)


def _write(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z" if moment is not None else "-"
