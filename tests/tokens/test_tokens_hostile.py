"""Tokens whose shape, header or signature is hostile: each is refused alike, and nothing is looked up on the way."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.forgery import ABSENT, Forger, decode, encode, random_segment
from tests.support.service import Service
from tests.support.statements import watched_statements
from tests.support.tokens import assert_invalid_token, read_me

Forge = Callable[[Forger], str | bytes]
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

OTHER_ALGORITHMS: tuple[Any, ...] = (
    *("none", "HS256", "RS256", "EdDSA", "ES384", "ES256K", "es256", ""),
    *(None, 256, ["ES256"], {}),
)


@pytest.fixture(scope="module")
async def forger(started_service: Service) -> AsyncIterator[Forger]:
    yield Forger(started_service, await started_service.make_user())
    await started_service.empty()


def _header(**changes: Any) -> Forge:
    """Sign, with the service's own key, under a header with these changes."""
    return lambda forger: forger.sign(forger.header(**changes))


def _unsigned(alg: str, signature: str = "") -> Forge:
    return lambda forger: forger.unsigned(alg=alg) + signature


def _spki(forger: Forger, encoding: Encoding) -> bytes:
    return forger.key.public_key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def _jwk(forger: Forger) -> dict[str, str]:
    return dict(forger.key.public_jwk)


def _another_spelling(forger: Forger) -> str:
    """Change the trailing bits that decoders ignore: the same signature, written differently."""
    token = forger.sign()
    last = _ALPHABET.index(token[-1])
    spelled = token[:-1] + _ALPHABET[last ^ 1]
    assert decode(spelled.split(".")[2]) == decode(token.split(".")[2])
    return spelled


def _segments(forger: Forger, *order: int) -> str:
    parts = forger.sign().split(".")
    return ".".join(parts[number] for number in order)


def _transplanted(forger: Forger) -> str:
    """Put the signature of one good token under another one."""
    head, body, _ = forger.sign(claims=forger.claims(scope="admin")).split(".")
    return f"{head}.{body}.{forger.sign().split('.')[2]}"


HOSTILE: dict[str, Forge] = {
    # No signature, or one that anybody can make (RFC 8725 sections 2.1 and 3.1).
    **{f"alg {alg!r}": _unsigned(alg) for alg in ("none", "None", "NONE", "nOnE", "none ", "")},
    **{f"alg {alg!r} with a signature": _unsigned(alg, random_segment(64)) for alg in ("none", "None", "NONE")},
    **{f"own signature under alg {alg!r}": _header(alg=alg) for alg in OTHER_ALGORITHMS},
    "alg missing": _header(alg=ABSENT),
    "HS256 keyed with the public key as PEM": lambda f: f.keyed(_spki(f, Encoding.PEM)),
    "HS256 keyed with the public key as PEM, stripped": lambda f: f.keyed(_spki(f, Encoding.PEM).strip()),
    "HS256 keyed with the public key as DER": lambda f: f.keyed(_spki(f, Encoding.DER)),
    "HS256 keyed with the public key as JWK": lambda f: f.keyed(json.dumps(_jwk(f)).encode()),
    "HS256 keyed with nothing": lambda f: f.keyed(b""),
    "HMAC said to be ES256": lambda f: f.keyed(_spki(f, Encoding.PEM), alg="ES256"),
    "another key under our kid": lambda f: f.sign_with_another_key(),
    "signature of zeros": lambda f: f"{_segments(f, 0, 1)}.{encode(bytes(64))}",
    "signature of another length": lambda f: f"{_segments(f, 0, 1)}.{random_segment(63)}",
    "random signature": lambda f: f"{_segments(f, 0, 1)}.{random_segment(64)}",
    "signature of another token": _transplanted,
    # Which key (RFC 8725 sections 3.1 and 3.10).
    **{
        f"kid {name}": _header(kid=kid)
        for name, kid in {
            "missing": ABSENT,
            "unknown": "WyLfJ5cJ1nQ9p0gWcQm0V2yN8pB2bF0y4yqkqK0mFQ0",
            "empty": "",
            "null": None,
            "number": 0,
            "list": [],
            "object": {"$ne": ""},
            "true": True,
            "path": "../../../../dev/null",
            "SQL": "' OR '1'='1' --",
            "URL": "http://192.0.2.7/jwks.json",
            "NUL": "\x00",
            "long": "k" * 4000,
        }.items()
    },
    "kid of our key and a space": lambda f: f.sign(f.header(kid=f"{f.key.kid} ")),
    "kid of our key in another case": lambda f: f.sign(f.header(kid=f.key.kid.swapcase())),
    "jku": _header(jku="http://192.0.2.7/jwks.json"),
    "x5u": _header(x5u="http://192.0.2.7/certificate.pem"),
    "x5c": _header(x5c=["MIIB"]),
    "jwk": lambda f: f.sign(f.header(jwk=_jwk(f))),
    "another key, embedded": lambda f: f.sign_with_another_key(f.header(jwk=_jwk(f), kid=ABSENT)),
    # What else the header may not say.
    "crit of something unknown": _header(crit=["exp"], exp=1),
    "crit empty": _header(crit=[]),
    "b64 false": _header(b64=False),
    "b64 false and crit": _header(b64=False, crit=["b64"]),
    "zip": _header(zip="DEF"),
    "cty": _header(cty="JWT"),
    **{
        f"typ {typ!r}": _header(typ=typ)
        for typ in ("JWT", "jwt", "", "AT+JWT", "application/at+jwt", "revocations+jwt", None, 1, ["at+jwt"])
    },
    "typ missing": _header(typ=ABSENT),
    "header without an object": lambda f: f.sign('["ES256"]'),
    "header that is not JSON": lambda f: f.sign("ES256"),
    "header of invalid UTF-8": lambda f: f"{encode(bytes([0xFF, 0xFE]))}.{_segments(f, 1, 2)}",
    "header nested deeply": lambda f: f.sign('{"kid":' + "[" * 5000),
    "header with a huge number": lambda f: f.sign('{"alg":"ES256","typ":"at+jwt","kid":' + "9" * 5000 + "}"),
    "alg twice, the first one true": lambda f: f.sign(f'{{"alg":"ES256","alg":"none","kid":"{f.key.kid}"}}'),
    # The shape (RFC 7515 section 7.1).
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "one word": lambda _: "token",
    "two segments": lambda f: _segments(f, 0, 1),
    "no signature": lambda f: _segments(f, 0, 1) + ".",
    "no header": lambda f: "." + _segments(f, 1, 2),
    "four segments": lambda f: _segments(f, 0, 1, 2, 2),
    "five segments, like a JWE": lambda f: _segments(f, 0, 1, 2, 1, 2),
    "detached claims": lambda f: f"{_segments(f, 0)}..{_segments(f, 2)}",
    "header and claims in each other's place": lambda f: _segments(f, 1, 0, 2),
    "JSON serialization": lambda f: '{"payload":"' + _segments(f, 1) + '"}',
    "truncated": lambda f: f.sign()[:-1],
    "lengthened": lambda f: f.sign() + "A",
    "padded": lambda f: f.sign() + "==",
    "padded inside": lambda f: f.sign().replace(".", "==.", 1),
    "signature in another spelling": _another_spelling,
    "standard base64 alphabet": lambda f: f"{_segments(f, 0, 1)}.{'+/' * 43}",
    "space inside": lambda f: f.sign().replace(".", ". ", 1),
    "tab inside": lambda f: f.sign().replace(".", ".\t", 1),
    "line folded inside": lambda f: f.sign().replace(".", ".\r\n ", 1),
    "NUL inside": lambda f: f.sign().replace(".", ".\x00", 1),
    "comma and a second token": lambda f: f"{f.sign()}, {f.sign()}",
    "in quotes": lambda f: f'"{f.sign()}"',
    "Bearer twice": lambda f: f"Bearer {f.sign()}",
    "beyond 8 KiB": lambda f: f.sign(claims=f.claims(padding="x" * 8192)),
    "letters beyond ASCII": lambda f: "é" + f.sign(),
    "bytes beyond ASCII": lambda f: f.sign().encode() + b"\xff\xfe",
    "no-break space behind it": lambda f: f.sign().encode() + b"\xa0",
    "next-line behind it": lambda f: f.sign().encode() + b"\x85",
    "Arabic digits": lambda f: f.sign() + "\u0661",
    # What is in it, when it is no claims set at all.
    "claims that are not JSON": lambda f: f.sign(claims="claims"),
    "claims without an object": lambda f: f.sign(claims='["sub"]'),
    "claims nested deeply": lambda f: f.sign(claims='{"sub":' + "[" * 5000),
}


@pytest.mark.parametrize("forge", [pytest.param(forge, id=name) for name, forge in HOSTILE.items()])
async def test_a_hostile_token_is_refused_without_a_look_at_anything(
    forger: Forger, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = forge(forger)
    for door in ("builtins.open", "os.open", "socket.getaddrinfo", "socket.socket.connect"):
        monkeypatch.setattr(door, _closed)

    with watched_statements(forger.service) as statements:
        response = await read_me(forger.service, token)

    assert_invalid_token(response)
    assert statements == []


async def test_the_tokens_of_the_table_are_good_but_for_their_one_fault(forger: Forger) -> None:
    with watched_statements(forger.service) as statements:
        response = await read_me(forger.service, forger.sign())

    assert response.status_code == 200
    assert response.json()["id"] == str(forger.victim.id)
    assert statements != []


def _closed(*_arguments: Any, **_options: Any) -> None:
    raise AssertionError("a token made the service open a file or a connection")
