"""Makes tokens that the service never would: real keys, and anything at all in header, claims and signature."""

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm, HMACAlgorithm

from auth_service.tokens.jws import SigningKey
from tests.support.service import Account, Service
from tests.support.settings import ISSUER

Members = dict[str, Any]
_ABSENT = object()
ABSENT: Any = _ABSENT
"""As the value of a member: leave it out."""


def encode(content: bytes | str | Members) -> str:
    """Return base64url without padding."""
    if isinstance(content, dict):
        content = json.dumps(content)
    raw = content.encode() if isinstance(content, str) else content
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def read_segment(token: str, number: int) -> Members:
    """Return the header (0) or the claims (1) of a token, unverified."""
    members: Members = json.loads(decode(token.split(".")[number]))
    return members


@dataclass(frozen=True, slots=True)
class Forger:
    """Holds the service's own key, to show that each check stands alone, and a victim, who may use the service."""

    service: Service
    victim: Account

    @property
    def key(self) -> SigningKey:
        return self.service.runtime.keys.active

    def header(self, **changes: Any) -> Members:
        return _changed({"alg": "ES256", "kid": self.key.kid, "typ": "at+jwt"}, changes)

    def claims(self, **changes: Any) -> Members:
        now = int(datetime.now(UTC).timestamp())
        issued = {
            "iss": ISSUER,
            "sub": str(self.victim.id),
            "aud": [ISSUER],
            "exp": now + 600,
            "iat": now,
            "jti": str(uuid4()),
            "client_id": "client_first_party",
            "scope": "profile:read",
            "auth_time": now,
            "amr": ["pwd"],
            "sid": str(self.victim.session_id),
        }
        return _changed(issued, changes)

    def sign(self, header: Members | str | None = None, claims: Members | str | None = None) -> str:
        """Sign with the service's own key, whatever the header says."""
        return self._signed(header, claims, self.key.private_key)

    def sign_with_another_key(self, header: Members | None = None) -> str:
        return self._signed(header, None, ec.generate_private_key(ec.SECP256R1()))

    def unsigned(self, **header: Any) -> str:
        return f"{encode(self.header(**header))}.{encode(self.claims())}."

    def keyed(self, secret: bytes, *, alg: str = "HS256", **header: Any) -> str:
        """Sign with a shared secret: what a verifier accepts that takes the algorithm from the token."""
        signing_input = f"{encode(self.header(alg=alg, **header))}.{encode(self.claims())}"
        signature = HMACAlgorithm(HMACAlgorithm.SHA256).sign(signing_input.encode(), secret)
        return f"{signing_input}.{encode(signature)}"

    def _signed(self, header: Members | str | None, claims: Members | str | None, key: Any) -> str:
        head = encode(self.header() if header is None else header)
        body = encode(self.claims() if claims is None else claims)
        signature = ECAlgorithm(ECAlgorithm.SHA256).sign(f"{head}.{body}".encode(), key)
        return f"{head}.{body}.{encode(signature)}"


def random_segment(size: int = 32) -> str:
    return encode(secrets.token_bytes(size))


def _changed(members: Members, changes: Members) -> Members:
    return {name: value for name, value in {**members, **changes}.items() if value is not _ABSENT}
