"""Tokens whose shape, header or signature is hostile: each is refused, and none makes the verifier ask anybody."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import HMACAlgorithm

from auth_service_client.errors import InvalidTokenError
from auth_service_client.testing import LocalIssuer
from auth_service_client.verifier import Verifier
from client_support import Forge, encode, signed_by

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_ABSENT = object()


@pytest.fixture(scope="module")
def issuer() -> Iterator[LocalIssuer]:
    with LocalIssuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def verifier(issuer: LocalIssuer) -> Iterator[Verifier]:
    with Verifier(issuer.settings()) as verifier:
        verifier.catch_up()
        yield verifier


def _header_of(issuer: LocalIssuer, **changes: Any) -> dict[str, Any]:
    header = {"alg": "ES256", "kid": issuer.key.kid, "typ": "at+jwt", **changes}
    return {name: value for name, value in header.items() if value is not _ABSENT}


def _claims(issuer: LocalIssuer) -> bytes:
    return _bytes_of(issuer.token().split(".")[1])


def _bytes_of(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _header(**changes: Any) -> Forge:
    return lambda issuer: signed_by(issuer, _header_of(issuer, **changes), _claims(issuer))


def _raw_header(text: str) -> Forge:
    return lambda issuer: signed_by(issuer, text.replace("KID", issuer.key.kid), _claims(issuer))


def _unsigned(alg: str, signature: str = "") -> Forge:
    return lambda issuer: f"{encode(_header_of(issuer, alg=alg))}.{encode(_claims(issuer))}.{signature}"


def _keyed(issuer: LocalIssuer, secret: bytes, alg: str = "HS256") -> str:
    signing_input = f"{encode(_header_of(issuer, alg=alg))}.{encode(_claims(issuer))}"
    return f"{signing_input}.{encode(HMACAlgorithm(HMACAlgorithm.SHA256).sign(signing_input.encode(), secret))}"


def _spki(issuer: LocalIssuer, encoding: Encoding) -> bytes:
    public_key = issuer.key.private_key.public_key()
    found: bytes = public_key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    return found


def _segments(issuer: LocalIssuer, *order: int) -> str:
    parts = issuer.token().split(".")
    return ".".join(parts[number] for number in order)


def _another_spelling(issuer: LocalIssuer) -> str:
    token = issuer.token()
    spelled = token[:-1] + _ALPHABET[_ALPHABET.index(token[-1]) ^ 1]
    assert _bytes_of(spelled.split(".")[2]) == _bytes_of(token.split(".")[2])
    return spelled


def _with_inside(blank: str) -> Forge:
    return lambda issuer: issuer.token().replace(".", f".{blank}", 1)


def _with_tail(tail: str) -> Forge:
    return lambda issuer: issuer.token() + tail


OTHER_ALGORITHMS: tuple[Any, ...] = ("none", "HS256", "RS256", "EdDSA", "ES384", "es256", "", None, 256, ["ES256"], {})

HOSTILE: dict[str, Forge] = {
    **{f"alg {alg!r}, unsigned": _unsigned(alg) for alg in ("none", "None", "NONE", "")},
    "alg none with a signature": _unsigned("none", encode(b"x" * 64)),
    **{f"alg {alg!r} over our signature": _header(alg=alg) for alg in OTHER_ALGORITHMS},
    "alg missing": _header(alg=_ABSENT),
    "typ missing": _header(typ=_ABSENT),
    "HS256 keyed with the public key as PEM": lambda i: _keyed(i, _spki(i, Encoding.PEM)),
    "HS256 keyed with the public key as DER": lambda i: _keyed(i, _spki(i, Encoding.DER)),
    "HS256 keyed with the public key as JWK": lambda i: _keyed(i, json.dumps(dict(i.key.public_jwk)).encode()),
    "HS256 keyed with nothing": lambda i: _keyed(i, b""),
    "HMAC said to be ES256": lambda i: _keyed(i, _spki(i, Encoding.PEM), alg="ES256"),
    "another key under our kid": lambda i: signed_by(LocalIssuer(), _header_of(i), _claims(i)),
    "signature of the next key": lambda i: signed_by(i, _header_of(i, kid=i.next_key.kid), _claims(i)),
    "signature of zeros": lambda i: f"{_segments(i, 0, 1)}.{encode(bytes(64))}",
    "signature too short": lambda i: f"{_segments(i, 0, 1)}.{encode(b'x' * 63)}",
    "signature of another token": lambda i: f"{_segments(i, 0, 1)}.{i.token().split('.')[2]}",
    **{
        f"kid {name}": _header(kid=kid)
        for name, kid in {
            "missing": _ABSENT,
            "empty": "",
            "null": None,
            "number": 0,
            "list": [],
            "object": {"$ne": ""},
            "true": True,
            "long": "k" * 257,
        }.items()
    },
    "jku": _header(jku="http://192.0.2.7/jwks.json"),
    "x5u": _header(x5u="http://192.0.2.7/certificate.pem"),
    "x5c": _header(x5c=["MIIB"]),
    "jwk": lambda i: signed_by(i, _header_of(i, jwk=dict(i.key.public_jwk)), _claims(i)),
    "crit of something unknown": _header(crit=["exp"], exp=1),
    "crit empty": _header(crit=[]),
    "b64 false": _header(b64=False),
    "b64 false and crit": _header(b64=False, crit=["b64"]),
    "zip": _header(zip="DEF"),
    "cty": _header(cty="JWT"),
    **{
        f"typ {typ!r}": _header(typ=typ)
        for typ in ("JWT", "", "AT+JWT", "application/at+jwt", "revocations+jwt", None, 1, ["at+jwt"])
    },
    "header without an object": _raw_header('["ES256"]'),
    "header that is not JSON": _raw_header("ES256"),
    "header of invalid UTF-8": lambda i: f"{encode(bytes([0xFF, 0xFE]))}.{_segments(i, 1, 2)}",
    "header in UTF-16": lambda i: signed_by(i, json.dumps(_header_of(i)).encode("utf-16"), _claims(i)),
    "header nested deeply": _raw_header('{"kid":' + "[" * 4000),
    "header with a huge number": _raw_header('{"alg":"ES256","typ":"at+jwt","kid":' + "9" * 5000 + "}"),
    "alg twice, the first one true": _raw_header('{"alg":"ES256","alg":"none","kid":"KID","typ":"at+jwt"}'),
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "one word": lambda _: "token",
    "two segments": lambda i: _segments(i, 0, 1),
    "no signature": lambda i: _segments(i, 0, 1) + ".",
    "no header": lambda i: "." + _segments(i, 1, 2),
    "four segments": lambda i: _segments(i, 0, 1, 2, 2),
    "detached claims": lambda i: f"{_segments(i, 0)}..{_segments(i, 2)}",
    "header and claims in each other's place": lambda i: _segments(i, 1, 0, 2),
    "truncated": lambda i: i.token()[:-1],
    "lengthened": lambda i: i.token() + "A",
    "padded": lambda i: i.token() + "==",
    "padded inside": lambda i: i.token().replace(".", "==.", 1),
    "signature in another spelling": _another_spelling,
    "standard alphabet": lambda i: f"{_segments(i, 0, 1)}.{'+/' * 43}",
    **{f"{blank!r} inside": _with_inside(blank) for blank in " \t\n\x00"},
    **{f"{tail!r} behind it": _with_tail(tail) for tail in (" ", "\n", "\x00", "\u0661", "\ud800")},
    "comma and a second token": lambda i: f"{i.token()}, {i.token()}",
    "beyond 8 KiB": lambda i: i.token(amr=["x" * 8192]),
    "claims that are not JSON": lambda i: signed_by(i, _header_of(i), "claims"),
    "claims without an object": lambda i: signed_by(i, _header_of(i), '["sub"]'),
    "claims nested deeply": lambda i: signed_by(i, _header_of(i), '{"sub":' + "[" * 4000),
    "claims with NaN": lambda i: signed_by(i, _header_of(i), _claims(i).replace(b'"exp":', b'"exp":NaN,"x":')),
    "a document of the feed": lambda i: i.feed_answer(0, None).body.decode(),
}


@pytest.mark.parametrize("forge", [pytest.param(forge, id=name) for name, forge in HOSTILE.items()])
def test_a_hostile_token_is_refused_and_nobody_is_asked(issuer: LocalIssuer, verifier: Verifier, forge: Forge) -> None:
    asked = issuer.requests["/.well-known/jwks.json"]

    with pytest.raises(InvalidTokenError):
        verifier.verify(forge(issuer))

    assert issuer.requests["/.well-known/jwks.json"] == asked


def test_the_tokens_of_the_table_are_good_but_for_their_one_fault(issuer: LocalIssuer, verifier: Verifier) -> None:
    good = signed_by(issuer, _header_of(issuer), _claims(issuer))

    assert verifier.verify(good).is_person


@pytest.mark.parametrize("kid", ["unknown", "../../dev/null", "' OR '1'='1' --", "http://192.0.2.7/", "\x00", "\ud800"])
def test_a_kid_is_a_name_and_nothing_else(issuer: LocalIssuer, verifier: Verifier, kid: str) -> None:
    with pytest.raises(InvalidTokenError, match="no such key"):
        verifier.verify(_header(kid=kid)(issuer))
