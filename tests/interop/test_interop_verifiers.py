"""Verifiers that are not ours accept a running server's tokens, knowing only its JWKS address (RFC 9068 section 4)."""

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import joserfc.errors
import jwt
import pytest
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

from tests.support.commands import make_operator
from tests.support.ports import free_port

pytestmark = pytest.mark.interop


@dataclass(frozen=True, slots=True)
class Issued:
    """A token of a running server, and what its verifiers are told."""

    token: str
    algorithm: str
    issuer: str

    @property
    def jwks_url(self) -> str:
        return f"{self.issuer}/.well-known/jwks.json"


@dataclass(frozen=True, slots=True)
class Case:
    """One question to a verifier."""

    token: str
    issuer: str
    audience: str


@pytest.fixture(scope="module", params=["ES256", "RS256", "EdDSA"])
def issued(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issued]:
    """Start a server that signs with the algorithm, and sign in."""
    operator = make_operator(tmp_path_factory.mktemp("interop"))
    port = free_port()
    for name in ("AUTH_DATABASE__URL", "AUTH_SECURITY__MASTER_KEYS", "AUTH_TOKENS__ISSUER"):  # `dev` has its own
        del operator.environment[name]
    with operator.start("dev", "--port", str(port), AUTH_TOKENS__ALGORITHM=request.param) as program:
        printed = program.ready("Stop with Ctrl+C.")
        password = printed.split("-d password=")[1].split()[0]
        form = {"grant_type": "password", "username": "admin@example.com", "password": password}
        answer = httpx.post(f"http://127.0.0.1:{port}/oauth/token", data=form)
        yield Issued(answer.json()["access_token"], request.param, f"http://127.0.0.1:{port}")
        program.stop(signal.SIGTERM)


def _verify_with_pyjwt(issued: Issued, cases: list[Case]) -> list[str | None]:
    keys = jwt.PyJWKClient(issued.jwks_url)

    def verify(case: Case) -> str | None:
        try:
            key = keys.get_signing_key_from_jwt(case.token)
            claims = jwt.decode(
                case.token,
                key,
                algorithms=[issued.algorithm],
                issuer=case.issuer,
                audience=case.audience,
                options={"require": ["exp", "iat", "sub", "jti", "client_id"]},
            )
        except jwt.PyJWTError:
            return None
        return str(claims["sub"]) if jwt.get_unverified_header(case.token)["typ"] == "at+jwt" else None

    return [verify(case) for case in cases]


def _verify_with_joserfc(issued: Issued, cases: list[Case]) -> list[str | None]:
    keys = KeySet.import_key_set(httpx.get(issued.jwks_url).json())

    def verify(case: Case) -> str | None:
        rules = joserfc_jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": case.issuer},
            aud={"essential": True, "value": case.audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            token = joserfc_jwt.decode(case.token, keys, algorithms=[issued.algorithm])
            rules.validate(token.claims)
        except joserfc.errors.JoseError:
            return None
        return str(token.claims["sub"]) if token.header["typ"] == "at+jwt" else None

    return [verify(case) for case in cases]


def _cases(issued: Issued) -> list[Case]:
    """Return the good question first, then those that every verifier has to answer with no."""
    header, claims, signature = issued.token.split(".")
    changed = "A" if claims[20] != "A" else "B"
    forged = ".".join([header, claims[:20] + changed + claims[21:], signature])
    other_signature = ".".join([header, claims, signature[:-12] + "A" * 10 + signature[-2:]])
    return [
        Case(issued.token, issued.issuer, issued.issuer),
        Case(forged, issued.issuer, issued.issuer),
        Case(other_signature, issued.issuer, issued.issuer),
        Case(issued.token, "https://auth.example.com", issued.issuer),
        Case(issued.token, issued.issuer, "https://orders.example.com"),
    ]


def _subject(issued: Issued) -> str:
    claims = jwt.decode(issued.token, options={"verify_signature": False})
    return str(claims["sub"])


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")  # joserfc would have it called Ed25519
@pytest.mark.parametrize(
    "verify", [pytest.param(_verify_with_pyjwt, id="PyJWT"), pytest.param(_verify_with_joserfc, id="joserfc")]
)
def test_a_verifier_in_python_accepts_the_token_and_nothing_else(
    issued: Issued, verify: Callable[[Issued, list[Case]], list[str | None]]
) -> None:
    answers = verify(issued, _cases(issued))

    assert answers == [_subject(issued), None, None, None, None]


def test_a_verifier_in_javascript_accepts_the_token_and_nothing_else(
    issued: Issued, run_node: Callable[[Path, str], str]
) -> None:
    questions = [{"token": case.token, "issuer": case.issuer, "audience": case.audience} for case in _cases(issued)]
    sent = json.dumps({"jwks": issued.jwks_url, "algorithm": issued.algorithm, "cases": questions})

    answers = json.loads(run_node(Path(__file__).parent / "node" / "verify.mjs", sent))

    assert answers == [
        _subject(issued),
        "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
        "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
        "ERR_JWT_CLAIM_VALIDATION_FAILED",
        "ERR_JWT_CLAIM_VALIDATION_FAILED",
    ]
