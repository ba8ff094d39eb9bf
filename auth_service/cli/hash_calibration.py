"""How long a password hash takes on this machine, and which setting would make it take as long as one wants."""

import math
import statistics
import time

from pydantic import SecretStr

from auth_service.security.passwords import PasswordHasher
from auth_service.security.settings import HashingSettings, HashScheme

_TIMES = 5
_TARGET_SECONDS = 0.1
"""What people do not notice when they sign in; an attacker who has the hashes pays it for each guess."""
_LEAST_ARGON2_PASSES = 2
_LEAST_BCRYPT_COST = 10


async def describe_hashing(settings: HashingSettings) -> str:
    """Return how long a hash takes, how many sign-ins a second that leaves, and which setting would make it a tenth."""
    seconds = await _time_of_a_hash(settings)
    rate = settings.workers / seconds
    measured = (
        f"a hash takes {1000 * seconds:.3g} ms here: {settings.workers} at once make {rate:.3g} sign-ins a second."
    )
    name, now, then = _parameter(settings, _TARGET_SECONDS / seconds)
    return measured if now == then else f"{measured} {name}={then} would take about {1000 * _TARGET_SECONDS:.0f} ms."


async def _time_of_a_hash(settings: HashingSettings) -> float:
    hasher = PasswordHasher(settings)
    taken = []
    try:
        for _ in range(_TIMES):
            start = time.perf_counter()
            await hasher.hash(SecretStr("correct horse battery staple"))
            taken.append(time.perf_counter() - start)
    finally:
        hasher.close()
    return statistics.median(taken)


def _parameter(settings: HashingSettings, factor: float) -> tuple[str, int, int]:
    """Return what makes a hash slower, its value, and the one with which it takes about `factor` times as long.

    It is never less than what OWASP's Password Storage Cheat Sheet asks for.
    """
    if settings.scheme is HashScheme.BCRYPT:
        cost = settings.bcrypt_cost
        return "AUTH_HASHING__BCRYPT_COST", cost, max(round(cost + math.log2(factor)), _LEAST_BCRYPT_COST)
    passes = settings.argon2_passes
    return "AUTH_HASHING__ARGON2_PASSES", passes, max(round(passes * factor), _LEAST_ARGON2_PASSES)
