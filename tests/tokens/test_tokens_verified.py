"""What is remembered of an access token, and what ends that."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from auth_service.db.uuid7 import uuid7
from auth_service.tokens import jws, verified_tokens
from auth_service.tokens.access_token import AccessToken, issue_access_token
from auth_service.tokens.errors import InvalidTokenError
from auth_service.tokens.jws import generate_private_key, load_signing_key
from auth_service.tokens.key_ring import KeyRing
from auth_service.tokens.settings import SigningAlgorithm, TokenSettings
from auth_service.tokens.verified_tokens import VerifiedTokens
from tests.support.settings import ISSUER

SETTINGS = TokenSettings(issuer=ISSUER)
LIFETIME = timedelta(minutes=10)


@pytest.fixture
def ring() -> KeyRing:
    keys = [load_signing_key(generate_private_key(SigningAlgorithm.ES256), SigningAlgorithm.ES256) for _ in range(2)]
    return KeyRing(keys[0].kid, {key.kid: key for key in keys}, {})


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the tokens whose signature is really verified."""
    verified: list[str] = []
    verify = jws.verify

    def noted(token: str, *arguments: object, **options: object) -> jws.Claims:
        verified.append(token)
        return verify(token, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(jws, "verify", noted)
    return verified


def _issue(ring: KeyRing) -> tuple[str, AccessToken]:
    now = datetime.now(UTC).replace(microsecond=0)
    token = AccessToken(
        subject=uuid4(),
        client_id="client_first_party",
        session_id=uuid7(now),
        scopes=frozenset(),
        audiences=(SETTINGS.audience,),
        authenticated_at=now,
        amr=("pwd",),
    )
    return issue_access_token(token, ring, SETTINGS, now=now, lifetime=LIFETIME), token


def test_a_signature_is_verified_once(ring: KeyRing, verifications: list[str]) -> None:
    tokens = VerifiedTokens(SETTINGS)
    encoded, token = _issue(ring)

    answers = [tokens.verify(encoded, ring) for _ in range(3)]

    assert answers == [token] * 3
    assert verifications == [encoded]


def test_it_is_verified_again_when_its_time_is_over(
    ring: KeyRing, verifications: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = VerifiedTokens(SETTINGS)
    encoded, _ = _issue(ring)
    tokens.verify(encoded, ring)

    later = (datetime.now(UTC) + LIFETIME + SETTINGS.leeway).timestamp()
    monkeypatch.setattr("auth_service.tokens.verified_tokens.time.time", lambda: later)
    tokens.verify(encoded, ring)

    assert verifications == [encoded, encoded]


def test_what_a_removed_key_signed_is_not_remembered(ring: KeyRing) -> None:
    tokens = VerifiedTokens(SETTINGS)
    encoded, _ = _issue(ring)
    tokens.verify(encoded, ring)
    left = {kid: key for kid, key in ring.published.items() if kid != ring.signing_kid}

    with pytest.raises(InvalidTokenError) as refusal:
        tokens.verify(encoded, replace(ring, published=left))

    assert refusal.value.reason.startswith("unknown key")


def test_a_refused_token_is_refused_each_time(ring: KeyRing, verifications: list[str]) -> None:
    tokens = VerifiedTokens(SETTINGS)
    encoded, _ = _issue(ring)
    forged = encoded[:-8] + ("A" * 8)

    for _ in range(2):
        with pytest.raises(InvalidTokenError):
            tokens.verify(forged, ring)

    assert verifications == [forged, forged]


def test_no_more_are_remembered_than_there_is_room_for(
    ring: KeyRing, verifications: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verified_tokens, "_AT_MOST", 2)
    tokens = VerifiedTokens(SETTINGS)
    encoded = [_issue(ring)[0] for _ in range(3)]

    for each in [*encoded, encoded[2], encoded[0]]:  # the first had to go
        tokens.verify(each, ring)

    assert verifications == [*encoded, encoded[0]]
