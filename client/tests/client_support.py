"""What several tests of the client need: a clock that stands still, and a verifier's core without any network."""

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt

from auth_service_client.clock import Moment, read_clock
from auth_service_client.core import VerifierCore
from auth_service_client.testing import LocalIssuer


class StandingClock:
    """Moves only when it is told to, either of its hands or both."""

    def __init__(self) -> None:
        self.now = read_clock()

    def __call__(self) -> Moment:
        return self.now

    def move(self, seconds: float) -> None:
        self.now = Moment(self.now.wall + seconds, self.now.mono + seconds)

    def set_wall(self, seconds: float) -> None:
        self.now = Moment(self.now.wall + seconds, self.now.mono)


def core_of(issuer: LocalIssuer, clock: StandingClock, **settings: Any) -> VerifierCore:
    """Return a core that knows the issuer's keys and no revocations yet."""
    core = VerifierCore(issuer.settings(**settings), clock)
    take_keys(core, issuer)
    return core


def take_keys(core: VerifierCore, issuer: LocalIssuer) -> None:
    answer = issuer.door.answer("/.well-known/jwks.json", {}, {})
    assert answer is not None
    core.keys.take(answer.body, etag=answer.headers["ETag"], max_age=300, now=core.clock())


def document(issuer: LocalIssuer, clock: StandingClock, **changes: Any) -> bytes:
    """Return a document of the feed at the clock's moment; the changes name claims, `from_` is `from`."""
    now = int(clock.now.wall)
    changes = {name.rstrip("_"): value for name, value in changes.items()}
    claims = {**issuer.feed_claims(), "iat": now, "exp": now + 15, **changes}
    return issuer.sign(claims, typ="revocations+jwt").encode()


def encode(content: bytes | str | dict[str, Any]) -> str:
    """Return base64url without padding."""
    if isinstance(content, dict):
        content = json.dumps(content)
    raw = content.encode() if isinstance(content, str) else content
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed_by(issuer: LocalIssuer, header: dict[str, Any] | str | bytes, claims: dict[str, Any] | str | bytes) -> str:
    """Sign anything with the issuer's own key, to show that each check stands alone."""
    signing_input = f"{encode(header)}.{encode(claims)}"
    algorithm = jwt.get_algorithm_by_name(issuer.algorithm)
    return f"{signing_input}.{encode(algorithm.sign(signing_input.encode(), issuer.key.private_key))}"


Forge = Callable[[LocalIssuer], str]
