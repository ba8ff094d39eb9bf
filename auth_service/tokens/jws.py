"""Signs and verifies compact JWS (RFC 7515) with asymmetric keys (the only importer of `jwt`)."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from auth_service.security import base64url
from auth_service.tokens.errors import InvalidTokenError
from auth_service.tokens.settings import SigningAlgorithm

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey
Claims = dict[str, Any]

_RSA_BITS = 2048
_GENERATORS: Mapping[SigningAlgorithm, Callable[[], PrivateKey]] = {
    SigningAlgorithm.ES256: lambda: ec.generate_private_key(ec.SECP256R1()),
    SigningAlgorithm.RS256: lambda: rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS),
    SigningAlgorithm.EDDSA: ed25519.Ed25519PrivateKey.generate,
}
_MAX_TOKEN_LENGTH = 8192
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_HEADER_MEMBERS = {"alg", "kid", "typ"}
_THUMBPRINT_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its one algorithm; `kid` is the RFC 7638 thumbprint of its public part."""

    algorithm: SigningAlgorithm
    private_key: PrivateKey = field(repr=False)
    public_key: PublicKey = field(repr=False)
    public_jwk: Mapping[str, str]

    @property
    def kid(self) -> str:
        """The name under which the key is published."""
        return self.public_jwk["kid"]


def generate_private_key(algorithm: SigningAlgorithm) -> bytes:
    """Return a new private key for `algorithm`, as PKCS #8 DER."""
    return _GENERATORS[algorithm]().private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_signing_key(der: bytes, algorithm: SigningAlgorithm) -> SigningKey:
    """Parse a key that `generate_private_key` made. Its public part is derived, never stored."""
    private_key = serialization.load_der_private_key(der, password=None)
    match algorithm, private_key:
        case SigningAlgorithm.ES256, ec.EllipticCurvePrivateKey():
            jwk = ECAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
        case SigningAlgorithm.RS256, rsa.RSAPrivateKey():
            jwk = RSAAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
        case SigningAlgorithm.EDDSA, ed25519.Ed25519PrivateKey():
            jwk = OKPAlgorithm.to_jwk(private_key.public_key(), as_dict=True)
        case _:
            message = f"this is not a key for {algorithm}"
            raise ValueError(message)
    members = {name: str(jwk[name]) for name in _THUMBPRINT_MEMBERS[jwk["kty"]]}
    public_jwk = {**members, "kid": _thumbprint(members), "use": "sig", "alg": algorithm.value}
    return SigningKey(algorithm, private_key, private_key.public_key(), public_jwk)


def sign(claims: Claims, key: SigningKey, *, typ: str) -> str:
    """Return `claims` as a compact JWS whose header says `typ`, the algorithm and the key's name."""
    return jwt.encode(claims, key.private_key, algorithm=key.algorithm, headers={"typ": typ, "kid": key.kid})


def verify(  # noqa: PLR0913 - each of these is one fact that RFC 9068 section 4 wants checked
    token: str,
    keys: Mapping[str, SigningKey],
    *,
    typ: str,
    issuer: str,
    audience: str | None,
    leeway: timedelta,
    required: Sequence[str],
) -> Claims:
    """Return the claims of a token that one of `keys` signed, or raise InvalidTokenError.

    The header may hold `alg`, `kid` and `typ` and nothing else: no `crit`, no key or address of a key in the token
    (RFC 8725 section 3.10). A key has one algorithm, and only that is tried (section 3.1). Without an `audience` any
    will do.
    """
    _check_form(token)
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise InvalidTokenError("unreadable header") from error
    key = keys.get(str(header.get("kid")))
    if header.keys() != _HEADER_MEMBERS or header["typ"] != typ:
        raise InvalidTokenError("not a header of ours")
    if key is None:
        raise InvalidTokenError("unknown key: revoked, retired long ago, or never one of ours")
    try:
        return jwt.decode(
            token,
            key.public_key,
            algorithms=[key.algorithm],
            issuer=issuer,
            audience=audience,
            leeway=leeway,
            options={"require": list(required), "verify_aud": audience is not None},
        )
    except (jwt.PyJWTError, ValueError, OverflowError) as error:
        raise InvalidTokenError(str(error), is_expired=isinstance(error, jwt.ExpiredSignatureError)) from error


def _check_form(token: str) -> None:
    if len(token) > _MAX_TOKEN_LENGTH or not _COMPACT.fullmatch(token):
        raise InvalidTokenError("not a compact JWS")
    try:
        for segment in token.split("."):
            base64url.decode(segment)
    except ValueError as error:
        raise InvalidTokenError("not canonical base64url") from error


def _thumbprint(members: Mapping[str, str]) -> str:
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    return base64url.encode(sha256(canonical).digest())
