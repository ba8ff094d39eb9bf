"""Reads and checks compact JWS (RFC 7515) as the service writes them."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple

import jwt
from jwt.algorithms import Algorithm

from auth_service_client.errors import InvalidTokenError

_MIN_RSA_BITS = 2048
_MAX_KID_LENGTH = 256
# One key has one algorithm, and these are all there are (RFC 8725 sections 3.1 and 3.2). None takes a shared secret.
_KEY_SHAPES = MappingProxyType({"ES256": ("EC", "P-256"), "RS256": ("RSA", None), "EdDSA": ("OKP", "Ed25519")})


class Header(NamedTuple):
    """All that a header may say."""

    alg: str
    kid: str


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """A published key, parsed once. `mark` is how the revocation feed names it."""

    kid: str
    alg: str
    jwk: Mapping[str, Any]
    mark: str
    _algorithm: Algorithm = field(repr=False)
    _public_key: Any = field(repr=False)

    def check(self, signed: bytes, signature: bytes) -> None:
        """Raise InvalidTokenError unless this key signed `signed`."""
        if not self._algorithm.verify(signed, self._public_key, signature):
            raise InvalidTokenError("the signature is wrong")


def parse_key(jwk: object) -> Key | None:
    """Return a key of a JWKS, or None for one that is not for verifying what the service signs."""
    if type(jwk) is not dict or "d" in jwk or jwk.get("use", "sig") != "sig":
        return None
    kid, alg = jwk.get("kid"), jwk.get("alg")
    if type(kid) is not str or type(alg) is not str or _KEY_SHAPES.get(alg) != (jwk.get("kty"), jwk.get("crv")):
        return None
    algorithm = jwt.get_algorithm_by_name(alg)
    try:
        public_key = algorithm.from_jwk(jwk)
        named = mark("kid", kid)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, InvalidTokenError):
        return None
    if alg == "RS256" and public_key.key_size < _MIN_RSA_BITS:
        return None
    return Key(kid, alg, jwk, named, algorithm, public_key)


def split(token: bytes) -> tuple[bytes, bytes, bytes]:
    """Return what was signed, the claims and the signature; the header is what comes before the first dot."""
    signed, _, signature = token.rpartition(b".")
    _, _, claims = signed.partition(b".")
    return signed, decode(claims), decode(signature)


def read_header(segment: bytes, *, typ: str) -> Header:
    """Return what the header says; raises InvalidTokenError for any member beside `alg`, `kid` and `typ`.

    So there is no `crit`, and no key or address of a key that a token brings along (RFC 8725 section 3.10).
    """
    header = read_object(decode(segment))
    alg, kid = header.get("alg"), header.get("kid")
    if header.keys() != {"alg", "kid", "typ"} or header["typ"] != typ or type(alg) is not str or type(kid) is not str:
        raise InvalidTokenError("not a header of this issuer")
    if alg not in _KEY_SHAPES or not 0 < len(kid) <= _MAX_KID_LENGTH:
        raise InvalidTokenError("not an algorithm or kid of this issuer")
    return Header(alg, kid)


def read_object(content: bytes) -> dict[str, Any]:
    """Return the JSON object in `content`; raises InvalidTokenError."""
    try:
        members = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidTokenError("not JSON") from error
    if type(members) is not dict:
        raise InvalidTokenError("not a JSON object")
    return members


def decode(segment: bytes) -> bytes:
    """Return the bytes that `segment` is the one spelling of; raises InvalidTokenError.

    Decoders pass over foreign letters and stray trailing bits, so that a token would have several spellings.
    """
    try:
        content = base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except ValueError as error:
        raise InvalidTokenError("not base64url") from error
    if not content or base64.urlsafe_b64encode(content).rstrip(b"=") != segment:
        raise InvalidTokenError("not canonical base64url")
    return content


def mark(kind: str, value: str) -> str:
    """Return the digest by which the feed names a session, a client or a key; raises InvalidTokenError."""
    try:
        name = f"{kind}:{value}".encode()
    except UnicodeEncodeError as error:
        raise InvalidTokenError("half a character") from error
    return base64.urlsafe_b64encode(sha256(name).digest()).rstrip(b"=").decode()
