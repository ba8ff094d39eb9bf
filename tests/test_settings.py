"""The settings of a process: where they come from, and what never comes out of them."""

import json

import pytest
from pydantic import ValidationError

from auth_service.settings import Settings
from auth_service.tokens.settings import SigningAlgorithm
from tests.support.settings import new_master_key

KEY = new_master_key()
PASSWORD = "Tr0ub4dor-in-the-URL"
ENVIRONMENT = {
    "AUTH_DATABASE__URL": f"postgresql://auth:{PASSWORD}@db.example.com/auth",
    "AUTH_SECURITY__MASTER_KEYS": KEY,
    "AUTH_TOKENS__ISSUER": "https://auth.example.com",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_they_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AUTH_TOKENS__ALGORITHM", "EdDSA")
    environment.setenv("AUTH_TOKENS__SHARED_AUDIENCES", "https://orders.example.com, https://billing.example.com")
    environment.setenv("AUTH_HTTP__CORS_ORIGINS", "https://app.example.com http://localhost:5173,http://[::1]:5173")
    environment.setenv("auth_http__docs", "yes")

    settings = Settings()

    assert settings.tokens.issuer == settings.tokens.audience == "https://auth.example.com"
    assert settings.tokens.audiences[1:] == ("https://orders.example.com", "https://billing.example.com")
    assert settings.tokens.algorithm is SigningAlgorithm.EDDSA
    assert settings.http.cors_origins == ("https://app.example.com", "http://localhost:5173", "http://[::1]:5173")
    assert settings.http.docs is True


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(KEY, id="base64"),
        pytest.param(KEY.rstrip("="), id="without padding"),
        pytest.param(KEY.replace("+", "-").replace("/", "_"), id="for URLs"),
        pytest.param(f" {KEY},\n{KEY}", id="two"),
    ],
)
def test_a_master_key_may_be_written_in_either_alphabet_with_or_without_padding(
    environment: pytest.MonkeyPatch, written: str
) -> None:
    environment.setenv("AUTH_SECURITY__MASTER_KEYS", written)

    settings = Settings()

    assert len(settings.security.master_keys) == len(written.split())


def test_no_secret_is_in_anything_that_is_printed_of_them() -> None:
    settings = Settings()

    shown = [
        repr(settings),
        str(settings),
        repr(settings.database),
        repr(settings.security),
        str(settings.model_dump()),
        json.dumps(settings.model_dump(mode="json")),
    ]

    assert [text for text in shown if PASSWORD in text or KEY in text] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("AUTH_DATABASE__URL", f"mysql://auth:{PASSWORD}@db.example.com/auth", id="URL"),
        pytest.param("AUTH_SECURITY__MASTER_KEYS", f"{KEY},{PASSWORD}", id="master key"),
    ],
)
def test_no_secret_is_in_the_error_when_they_are_wrong(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)

    with pytest.raises(ValidationError) as caught:
        Settings()

    assert PASSWORD not in str(caught.value)
    assert KEY not in str(caught.value)


def test_they_cannot_be_changed_afterwards() -> None:
    settings = Settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.http.docs = True  # type: ignore[misc]
