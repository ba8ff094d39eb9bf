"""Signing keys for tests; they live in memory and are good for nothing else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

_jws = jwt.PyJWS()  # PyJWT itself refuses to write some of the claims that a test wants to see refused


@dataclass(frozen=True, slots=True, eq=False)
class LocalKey:
    """A private key with its name and algorithm."""

    kid: str
    algorithm: str
    private_key: Any = field(repr=False)
    public_jwk: Mapping[str, Any]

    @classmethod
    def new(cls, algorithm: str) -> Self:
        """Make a key for ES256, RS256 or EdDSA."""
        match algorithm:
            case "ES256":
                private_key: Any = ec.generate_private_key(ec.SECP256R1())
            case "RS256":
                private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            case "EdDSA":
                private_key = ed25519.Ed25519PrivateKey.generate()
            case _:
                raise ValueError("the service signs with ES256, RS256 or EdDSA")
        kid = uuid4().hex
        jwk = jwt.get_algorithm_by_name(algorithm).to_jwk(private_key.public_key(), as_dict=True)
        jwk = {name: value for name, value in jwk.items() if name != "key_ops"}
        return cls(kid, algorithm, private_key, {**jwk, "kid": kid, "use": "sig", "alg": algorithm})

    def sign(self, claims: dict[str, Any], *, typ: str) -> str:
        """Return `claims` as a compact JWS with the header that the service writes."""
        headers = {"typ": typ, "kid": self.kid}
        return _jws.encode(json.dumps(claims).encode(), self.private_key, algorithm=self.algorithm, headers=headers)
