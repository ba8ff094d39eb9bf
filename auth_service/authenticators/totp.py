"""Time-based one-time passwords (RFC 6238): six digits that an authenticator app shows for half a minute."""

import base64
import hmac
import re
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
_SEED_BYTES = 20  # as many as SHA-1 gives (RFC 4226 section 4, requirement R6)
_SKEW_STEPS = 1
_CODE = re.compile(f"[0-9]{{{DIGITS}}}")


def new_seed() -> bytes:
    """Return what an app and this service share."""
    return secrets.token_bytes(_SEED_BYTES)


def step_at(moment: datetime) -> int:
    """Return the number of the time step, T of RFC 6238 section 4.2."""
    return int(moment.timestamp()) // STEP_SECONDS


def code_at(seed: bytes, step: int, *, digits: int = DIGITS) -> str:
    """Return the code of a time step: HOTP with the step as its counter (RFC 4226 section 5.3)."""
    digest = hmac.digest(seed, step.to_bytes(8), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}}"


def matching_step(seed: bytes, code: str, *, now: datetime) -> int | None:
    """Return the time step that `code` is of, or None; clocks may be a step apart (RFC 6238 section 5.2).

    Whether a code of that step was used before is not asked here. Spaces are how apps group the digits.
    """
    code = code.replace(" ", "")
    if not _CODE.fullmatch(code):
        return None
    current = step_at(now)
    steps = range(current - _SKEW_STEPS, current + _SKEW_STEPS + 1)
    return next((step for step in steps if hmac.compare_digest(code_at(seed, step), code)), None)


def encode_seed(seed: bytes) -> str:
    """Return the seed as people type it into an app that has no camera."""
    return base64.b32encode(seed).decode()


def provisioning_uri(seed: bytes, *, issuer: str, account: str) -> str:
    """Return the address that apps read from a QR code: `otpauth://totp/issuer:account?...`.

    What they take for granted (SHA-1, six digits, 30 seconds) is said all the same: some apps ask otherwise.
    """
    parameters = {
        "secret": encode_seed(seed),
        "issuer": issuer,
        "algorithm": "SHA1",
        "digits": DIGITS,
        "period": STEP_SECONDS,
    }
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    return f"otpauth://totp/{label}?{urlencode(parameters, quote_via=quote)}"
