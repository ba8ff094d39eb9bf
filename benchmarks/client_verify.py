"""How fast `auth-service-client` verifies, beside bare PyJWT: one run, one table.

    PYTHONPATH=client .venv/bin/python benchmarks/client_verify.py

The same ES256 tokens go to `jwt.decode` with a key that is parsed already, to the client as tokens that it has not
seen, and to the client as tokens that it has seen, both with a feed of 100 entries. The three take turns, so that
whatever else the machine does meets all of them; the figures are medians over the turns.
"""

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from uuid import uuid4

import cryptography
import jwt

from auth_service_client.clock import read_clock
from auth_service_client.core import VerifierCore
from auth_service_client.feed_document import Entry, FeedDocument
from auth_service_client.jws import mark
from auth_service_client.settings import VerifierSettings
from auth_service_client.testing import LocalIssuer

TURNS = 41
TOKENS = 400
ENTRIES = 100
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"]


def main() -> None:
    """Measure, print the table, and fail when a goal is missed."""
    issuer = LocalIssuer()
    tokens = [issuer.token(scopes="orders:read orders:write") for _ in range(TOKENS)]
    core = prepared(issuer)
    forgetful = prepared(issuer, cached_tokens=0)
    for token in tokens:
        core.verify(token)
    ways = {
        "bare PyJWT": bare(issuer),
        "client, unseen": forgetful.verify,
        "client, seen": core.verify,
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, verify in ways.items():
            rates[name].append(rate(verify, tokens))
    report({name: statistics.median(measured) for name, measured in rates.items()})


def prepared(issuer: LocalIssuer, *, cached_tokens: int = 4096) -> VerifierCore:
    """Return a verifier that knows the keys, and 100 sessions that ended."""
    settings = VerifierSettings(issuer=issuer.url, audience=issuer.audience, cached_tokens=cached_tokens)
    core = VerifierCore(settings, read_clock)
    keys = issuer.door.answer("/.well-known/jwks.json", {}, {})
    if keys is None or core.revocations is None:
        raise RuntimeError("the issuer has no keys")
    core.keys.take(keys.body, etag=None, max_age=None, now=read_clock())
    now = int(time.time())
    ended = tuple(Entry("sid", mark("sid", str(uuid4())), now) for _ in range(ENTRIES))
    # An hour of life, so that it lasts for the run: how the feed is followed is not what is measured here.
    core.revocations.take(FeedDocument(now, now + 3600, "epoch", 0, ENTRIES, ENTRIES, 630, ended), read_clock())
    return core


def bare(issuer: LocalIssuer) -> Callable[[str], object]:
    """Return what PyJWT does with the same claims."""
    key = issuer.key.private_key.public_key()

    def verify(token: str) -> object:
        return jwt.decode(
            token,
            key,
            algorithms=["ES256"],
            audience=issuer.audience,
            issuer=issuer.url,
            options={"require": REQUIRED},
        )

    return verify


def rate(verify: Callable[[str], object], tokens: list[str]) -> float:
    """Return how many of the tokens are verified per second."""
    began = time.perf_counter()
    for token in tokens:
        verify(token)
    return len(tokens) / (time.perf_counter() - began)


def report(rates: dict[str, float]) -> None:
    """Print the medians and how they compare."""
    print("# How fast `auth-service-client` verifies\n")
    versions = f"PyJWT {jwt.__version__}, cryptography {cryptography.__version__}"
    machine = f"{len(os.sched_getaffinity(0))} cores ({platform.machine()}); Python {platform.python_version()}"
    print(f"{machine}, {versions}; one thread, medians of {TURNS} turns of {TOKENS} tokens\n")
    print("| way | tokens per second | microseconds | times bare PyJWT | goal |")
    print("|---|---:|---:|---:|---:|")
    goals = {"client, unseen": 0.95, "client, seen": 10.0}
    base = rates["bare PyJWT"]
    for name, value in rates.items():
        goal = f"{goals[name]:g}" if name in goals else ""
        print(f"| {name} | {value:,.0f} | {1e6 / value:.1f} | {value / base:.2f} | {goal} |")
    missed = [name for name, goal in goals.items() if rates[name] < goal * base]
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
