"""`doctor`: what is misconfigured, and how to mend it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from auth_service.authenticators.throttle_stores import StoreAwayError
from auth_service.authz.principal import OPERATOR
from auth_service.cli.configuration import ConfigurationError, ignored_variables, load_settings, unsafe_settings
from auth_service.cli.database_access import describe_role, open_connections
from auth_service.cli.failures import MISCONFIGURED, describe_outage, failing_clearly
from auth_service.cli.hash_calibration import describe_hashing
from auth_service.cli.mail_check import find_fault
from auth_service.cli.replica_check import describe_replica, find_replica_fault
from auth_service.db.errors import DatabaseUnavailableError, SchemaBehindError
from auth_service.db.replica import Replica
from auth_service.db.url import parse_database_url
from auth_service.settings import Settings
from auth_service.tokens.key_inventory import KeyEntry
from auth_service.tokens.key_safe import Wrapping
from auth_service.wiring.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `mend` says what to do, or what to know if it is well."""

    check: str
    well: bool
    mend: str = ""


def run_doctor(*, as_json: bool) -> None:
    """Print every finding; exit with 2 when one of them is not well."""
    with failing_clearly():
        findings = _examine()
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        width = max(len(finding.check) for finding in findings)
        for finding in findings:
            verdict = ("note: " if finding.well else "TO MEND: ") + finding.mend if finding.mend else "ok"
            typer.echo(f"{finding.check:<{width}}  {verdict}")
    if not all(finding.well for finding in findings):
        raise typer.Exit(MISCONFIGURED)


def _examine() -> list[Finding]:
    try:
        settings = load_settings()
    except ConfigurationError as error:
        return [Finding("settings", well=False, mend=line) for line in error.lines]
    unsafe = [Finding("settings", well=False, mend=line) for line in unsafe_settings(settings)]
    found = unsafe or [Finding("settings", well=True)]
    if ignored := ignored_variables():
        found.append(Finding("ignored", well=True, mend=f"{', '.join(ignored)}: not a setting of this service."))
    found.append(Finding("hashing", well=True, mend=asyncio.run(describe_hashing(settings.hashing))))
    if settings.mail.is_on:
        fault = asyncio.run(find_fault(settings))
        found.append(Finding("mail", well=fault is None, mend=fault or ""))
    found += [Finding("database TLS", well=True, mend=line) for line in open_connections(settings.database)]
    address = parse_database_url(settings.database.url.get_secret_value())
    file = Path(str(address.url.database))
    if address.is_sqlite and not file.exists():
        mend = f"There is no file {file} yet. Run: auth-service migrate"
        return [*found, Finding("database", well=False, mend=mend)]
    return [*found, *asyncio.run(_examine_database(settings))]


async def _examine_database(settings: Settings) -> list[Finding]:
    async with Runtime(settings) as runtime:
        return [finding async for finding in _database_findings(runtime)]


async def _database_findings(runtime: Runtime) -> AsyncIterator[Finding]:
    """Look at one thing after another, as far as the one before allows; nothing is made or changed."""
    try:
        await runtime.check_readiness()
    except SchemaBehindError as error:
        yield Finding("database", well=True)
        yield Finding("schema", well=False, mend=error.detail)
        return
    except DatabaseUnavailableError as error:
        yield Finding("database", well=False, mend=describe_outage(error))
        return
    yield Finding("database", well=True)
    yield Finding("schema", well=True)
    if role := await describe_role(runtime.database):
        yield Finding("database role", well=True, mend=role)
    yield await _clock_finding(runtime)
    async with runtime.unit_of_work(writing=False) as work:
        yield _key_finding(await work.key_inventory.list())
        exists = await work.registration.has_administrator(OPERATOR)
    mend = "There is none. Run: auth-service create-admin --email you@example.com"
    yield Finding("administrator", well=exists, mend="" if exists else mend)
    yield await _throttle_finding(runtime)
    if runtime.replica is not None:
        yield await _replica_finding(runtime, runtime.replica)


async def _clock_finding(runtime: Runtime) -> Finding:
    offset = await runtime.clock_offset()
    seconds = round(offset.total_seconds())
    mend = (
        f"this machine's clock is {abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} the database's, which "
        "other replicas and services do not accept. Set it."
    )
    is_well = abs(offset) <= runtime.settings.tokens.leeway
    return Finding("clock", well=is_well, mend="" if is_well else mend)


async def _replica_finding(runtime: Runtime, replica: Replica) -> Finding:
    fault = await find_replica_fault(runtime, replica)
    return Finding("read replica", well=fault is None, mend=fault or await describe_replica(runtime, replica))


async def _throttle_finding(runtime: Runtime) -> Finding:
    try:
        await runtime.throttle_counters.store.check()
    except StoreAwayError as error:
        mend = (
            f"the store that AUTH_THROTTLE__STORAGE names does not answer ({error}): until it does, each process "
            "counts attempts by itself."
        )
        return Finding("throttles", well=False, mend=mend)
    return Finding("throttles", well=True)


def _key_finding(keys: Sequence[KeyEntry]) -> Finding:
    for key in keys:
        if key.master_key is Wrapping.NONE:
            unusable = f"signing key {key.kid} cannot be opened with the configured master keys"
            mend = f"{unusable}: put the earlier one back into AUTH_SECURITY__MASTER_KEYS."
            return Finding("signing keys", well=False, mend=mend)
    return Finding("signing keys", well=True)
