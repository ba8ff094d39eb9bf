"""How old the signing key is, for whoever watches the rotation."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from auth_service.tokens.key_ages import KeyAges, read_ages
from auth_service.tokens.key_repository import StoredKeys
from auth_service.tokens.models import KeyState, SigningKeyRecord
from auth_service.tokens.settings import TokenSettings

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SETTINGS = TokenSettings.model_validate(
    {"issuer": "https://auth.example.com", "key_rotation_interval": "P30D", "key_dwell": "PT24H"}
)


def _key(state: KeyState, *, made: timedelta, activated: timedelta | None = None) -> SigningKeyRecord:
    return SigningKeyRecord(
        kid=state.value,
        algorithm="ES256",
        state=state,
        encrypted_private_key=b"",
        created_at=NOW - made,
        activated_at=None if activated is None else NOW - activated,
    )


def test_the_age_is_since_it_signs_and_the_next_one_is_due_when_it_has_signed_for_long_enough() -> None:
    active = _key(KeyState.ACTIVE, made=timedelta(days=40), activated=timedelta(days=10))
    stored = StoredKeys([active, _key(KeyState.NEXT, made=timedelta(days=10))], NOW)

    ages = read_ages(stored, SETTINGS, read_at=7.0)

    assert ages == KeyAges(read_at=7.0, active=10 * 86_400, due_in=20 * 86_400)


def test_a_rotation_that_is_late_is_due_in_less_than_no_time() -> None:
    active = _key(KeyState.ACTIVE, made=timedelta(days=31))
    stored = StoredKeys([active, _key(KeyState.NEXT, made=timedelta(days=10))], NOW)

    ages = read_ages(stored, SETTINGS, read_at=0)

    assert ages == KeyAges(read_at=0, active=31 * 86_400, due_in=-86_400)


@pytest.mark.parametrize(
    ("state", "ages"), [(KeyState.ACTIVE, KeyAges(0, 60, None)), (KeyState.NEXT, None)], ids=["no next", "no active"]
)
def test_what_is_not_stored_has_no_age(state: KeyState, ages: KeyAges | None) -> None:
    stored = StoredKeys([_key(state, made=timedelta(minutes=1))], NOW)

    assert read_ages(stored, SETTINGS, read_at=0) == ages


def test_the_time_since_they_were_read_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 112.5)

    assert KeyAges(read_at=100.0, active=1.0, due_in=None).since_read == 12.5
