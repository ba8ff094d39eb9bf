"""How soon an ended session is refused: here on another replica, and by a service that uses `auth-service-client`.

    PYTHONPATH=client .venv/bin/python -m benchmarks.revocation_latency [--quick]

Two replicas serve over one PostgreSQL. Sessions are ended through one of them, at moments that have nothing to do with
the feed's rhythm. As soon as it has answered, the token is shown once to the other replica, and again and again to a
verifier that follows the other replica's feed. Nothing is measured but time that passes after the answer.
"""

import argparse
import asyncio
import itertools
import random
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import asyncpg
import httpx
import jwt

from auth_service_client.async_verifier import AsyncVerifier
from auth_service_client.errors import InvalidTokenError
from benchmarks.installation import (
    EMAIL,
    PASSWORD,
    Detour,
    Installation,
    bearer,
    describe_machine,
    percentile,
    running_installation,
    table,
    verifier_of,
)

GOAL_SECONDS = 5.0
_POLL_SECONDS = 0.001
_SETTLE_SECONDS = 11.0
"""PostgreSQL counts what a connection did up to ten seconds late."""
_OK, _UNAUTHORIZED = 200, 401

Act = Callable[[], Awaitable[httpx.Response]]


@dataclass(slots=True)
class Figures:
    """What was seen, by how the sessions were ended."""

    refused_at_once: dict[str, list[bool]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    verifications: int = 0


class People:
    """Signs in through replica A, in three ways, each with its way of being ended."""

    def __init__(self, installation: Installation, client: httpx.AsyncClient) -> None:
        """Ask replica A with `client`."""
        self._url = f"http://127.0.0.1:{installation.ports[0]}"
        self._admin = installation.administrator
        self._client = client

    async def signed_out(self) -> tuple[str, Act]:
        """Return a token, and what ends it."""
        token = await self._sign_in(EMAIL)
        path = f"{self._url}/users/me/sessions/{jwt.decode(token, options={'verify_signature': False})['sid']}"
        return token, lambda: self._client.delete(path, headers=bearer(token))

    async def disabled(self) -> tuple[str, Act]:
        """Return a token of a new user, and what disables them."""
        email = f"user{secrets.token_hex(6)}@example.com"
        user = await self._client.post(f"{self._url}/users", json={"email": email, "password": PASSWORD})
        path = f"{self._url}/users/{user.json()['id']}"
        token = await self._sign_in(email)
        return token, lambda: self._client.patch(path, headers=self._admin, json={"is_active": False})

    async def client_disabled(self) -> tuple[str, Act]:
        """Return a token by way of a new client, and what disables the client."""
        sent = {"name": "Shop", "kind": "confidential", "grants": ["password"], "scopes": ["profile:read"]}
        made = (await self._client.post(f"{self._url}/clients", headers=self._admin, json=sent)).json()
        token = await self._sign_in(EMAIL, client=(made["client_id"], made["client_secret"]))
        path = f"{self._url}/clients/{made['client_id']}"
        return token, lambda: self._client.patch(path, headers=self._admin, json={"is_active": False})

    async def _sign_in(self, email: str, *, client: tuple[str, str] | None = None) -> str:
        form = {"grant_type": "password", "username": email, "password": PASSWORD}
        if client is not None:
            form.update(client_id=client[0], client_secret=client[1])
        answer = await self._client.post(f"{self._url}/oauth/token", data=form)
        return str(answer.raise_for_status().json()["access_token"])


def main(*, quick: bool) -> None:
    """Measure, print, and fail when a goal is missed."""
    with running_installation(replicas=2) as installation:
        missed = asyncio.run(_measure(installation, quick=quick))
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


async def _measure(installation: Installation, *, quick: bool) -> list[str]:
    """Print everything, and return the goals that were missed."""
    ends, seconds, consumers = (24, 3.0, (1, 50)) if quick else (200, 20.0, (1, 10, 50))
    database = await asyncpg.connect(installation.database_url)
    print("# How soon an ended session is refused\n")
    print(f"{describe_machine(f'PostgreSQL {database.get_settings().server_version.split()[0]}')}\n")
    async with httpx.AsyncClient() as client:
        people = People(installation, client)
        missed = await _measure_latency(installation, people, client, ends)
        rows = [await _measure_consumers(installation, people, database, count, seconds) for count in consumers]
    await database.close()
    _report_consumers(rows, seconds)
    return missed


async def _measure_latency(
    installation: Installation, people: People, client: httpx.AsyncClient, ends: int
) -> list[str]:
    figures, detour = Figures(), Detour(installation.ports[1])
    ways = {
        "signed out": people.signed_out,
        "user disabled": people.disabled,
        "client disabled": people.client_disabled,
    }
    me = f"http://127.0.0.1:{installation.ports[1]}/users/me"
    async with verifier_of(detour) as verifier:
        for name, prepare in itertools.islice(itertools.cycle(ways.items()), ends):
            token, end = await prepare()
            await verifier.verify(token)
            if (await client.get(me, headers=bearer(token))).status_code != _OK:
                raise RuntimeError("a good token was refused")
            await _wait_for_any_moment()
            (await end()).raise_for_status()
            answered = time.perf_counter()
            guard = asyncio.create_task(client.get(me, headers=bearer(token)))
            figures.verifications += await _verify_until_refused(verifier, token)
            figures.seconds.setdefault(name, []).append(time.perf_counter() - answered)
            refused = (await guard).status_code == _UNAUTHORIZED
            figures.refused_at_once.setdefault(name, []).append(refused)
    return _report_latency(figures, detour)


async def _wait_for_any_moment() -> None:
    """So that the feed's rhythm does not matter."""
    await asyncio.sleep(random.uniform(0, 0.5))  # noqa: S311


async def _verify_until_refused(verifier: AsyncVerifier, token: str) -> int:
    """Return how often it was accepted before."""
    for accepted in itertools.count():
        try:
            await verifier.verify(token)
        except InvalidTokenError:
            return accepted
        await asyncio.sleep(_POLL_SECONDS)
    raise AssertionError


async def _measure_consumers(
    installation: Installation, people: People, database: "asyncpg.Connection", count: int, seconds: float
) -> Sequence[object]:
    """Let so many services follow one replica: first while nothing ends, then while something does."""
    detours = [Detour(installation.ports[1]) for _ in range(count)]
    async with AsyncExitStack() as exits:
        verifiers = [await exits.enter_async_context(verifier_of(detour)) for detour in detours]
        await asyncio.gather(*(verifier.catch_up() for verifier in verifiers))
        await asyncio.sleep(_SETTLE_SECONDS)
        reads, asked = await _reads_of(database), _asked(detours)
        await asyncio.sleep(seconds)
        reads, asked = await _reads_of(database) - reads, _asked(detours) - asked
        last = [await _seconds_until_all_refuse(people, verifiers) for _ in range(max(int(seconds), 3))]
    return (
        count,
        f"{asked / seconds:.1f}",
        f"{reads / seconds:.1f}",
        f"{1000 * percentile(last, 0.5):.0f} ms",
        f"{1000 * max(last):.0f} ms",
    )


async def _reads_of(database: "asyncpg.Connection") -> int:
    """Return how often the feed was read: each read looks once at the one row of the counter, and nothing else does."""
    scans = "SELECT seq_scan + idx_scan FROM pg_stat_user_tables WHERE relname = 'revocation_counter'"
    return int(await database.fetchval(scans))


def _asked(detours: Sequence[Detour]) -> int:
    return sum(detour.requests["/oauth/revocations"] for detour in detours)


async def _seconds_until_all_refuse(people: People, verifiers: Sequence[AsyncVerifier]) -> float:
    token, end = await people.signed_out()
    for verifier in verifiers:
        await verifier.verify(token)
    await _wait_for_any_moment()
    (await end()).raise_for_status()
    answered = time.perf_counter()
    await asyncio.gather(*(_verify_until_refused(verifier, token) for verifier in verifiers))
    return time.perf_counter() - answered


def _report_latency(figures: Figures, detour: Detour) -> list[str]:
    rows = [_latency_row(name, figures.refused_at_once[name], figures.seconds[name]) for name in figures.seconds]
    refused = [each for listed in figures.refused_at_once.values() for each in listed]
    seconds = [each for listed in figures.seconds.values() for each in listed]
    headings = ["ended by", "times", "first request at the other replica refused", "p50", "p95", "p99", "max"]
    print("The last four columns: from the answer to the refusal by the client package.\n")
    print(table(headings, [*rows, _latency_row("all", refused, seconds)]))
    asked = ", ".join(f"{count} of `{path}`" for path, count in sorted(detour.requests.items()))
    paths = {"/oauth/revocations", "/.well-known/jwks.json"}
    goals = {
        "every first request at the other replica is refused": all(refused),
        f"the client package refuses within {GOAL_SECONDS:g} s (p99)": percentile(seconds, 0.99) < GOAL_SECONDS,
        "no call per request": set(detour.requests) <= paths and figures.verifications > sum(detour.requests.values()),
    }
    print(f"\nFor {figures.verifications:,} verifications that accepted, the package sent these requests: {asked}.\n")
    for goal, met in goals.items():
        print(f"- Goal: {goal}: {'met' if met else 'MISSED'}.")
    return [goal for goal, met in goals.items() if not met]


def _latency_row(name: str, refused: Sequence[bool], seconds: Sequence[float]) -> Sequence[object]:
    shares = [f"{1000 * percentile(seconds, share):.0f} ms" for share in (0.5, 0.95, 0.99, 1.0)]
    return (name, len(seconds), f"{sum(refused)} of {len(refused)}", *shares)


def _report_consumers(rows: Sequence[Sequence[object]], seconds: float) -> None:
    print("\n## Many services that follow one replica\n")
    print(f"Requests and reads: over {seconds:g} s in which nothing ends. A read is two statements.\n")
    headings = ["services", "feed requests per second", "feed reads per second", "all refuse, p50", "all refuse, max"]
    print(table(headings, rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer turns, in under a minute")
    main(**vars(parser.parse_args()))
