"""What an operator may say about tokens."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from auth_service.tokens.settings import TokenSettings


@pytest.mark.parametrize(
    ("given", "issuer"),
    [
        ("https://auth.example.com", "https://auth.example.com"),
        ("https://example.com/auth", "https://example.com/auth"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_the_issuer_is_a_url_and_the_audience_unless_told(given: str, issuer: str) -> None:
    settings = TokenSettings(issuer=given)

    assert (settings.issuer, settings.audience, settings.audiences) == (issuer, issuer, (issuer,))


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "auth.example.com",
        "ftp://auth.example.com",
        "https://",
        "https:///path",
        "https://auth.example.com?a=b",
        "https://auth.example.com#here",
        "https://ann@auth.example.com",
    ],
)
def test_an_issuer_that_is_no_base_url_is_refused(issuer: str) -> None:
    with pytest.raises(ValidationError, match="it is not the URL of a service"):
        TokenSettings(issuer=issuer)


@pytest.mark.parametrize("issuer", ["https://auth.example.com/", "https://example.com/auth/"])
def test_an_issuer_with_a_slash_at_its_end_is_refused_because_others_compare_it(issuer: str) -> None:
    with pytest.raises(ValidationError, match="write it without the slash at the end"):
        TokenSettings(issuer=issuer)


@pytest.mark.parametrize("shared", ["https://a.example, https://b.example", ("https://a.example", "https://b.example")])
def test_audiences_of_other_services_come_after_ones_own(shared: object) -> None:
    settings = TokenSettings.model_validate(
        {"issuer": "https://auth.example.com", "audience": "auth", "shared_audiences": shared}
    )

    assert settings.audiences == ("auth", "https://a.example", "https://b.example")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"algorithm": "HS256"}, id="a shared secret"),
        pytest.param({"algorithm": "none"}, id="no signature"),
        pytest.param({"access_token_lifetime": 9}, id="too short a life"),
        pytest.param({"access_token_lifetime": 86_401}, id="too long a life"),
        pytest.param({"leeway": -1}, id="less than no leeway"),
        pytest.param({"leeway": 301}, id="too much leeway"),
        pytest.param({"issuer": 7}, id="a number for an issuer"),
        pytest.param({"lifetime": 600}, id="an unknown name"),
        pytest.param({"key_rotation_interval": 0}, id="a rotation without end"),
        pytest.param({"key_refresh_interval": 0.05}, id="a refresh without end"),
        pytest.param({"jwks_max_age": -1}, id="less than no age"),
        pytest.param({"key_dwell": "PT5M9S"}, id="a key that signs before every verifier knows it"),
        pytest.param({"jwks_max_age": "PT23H59M51S"}, id="a JWKS that is kept for longer than a key waits"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TokenSettings.model_validate({"issuer": "https://auth.example.com", **changes})


def test_something_that_is_no_group_is_refused() -> None:
    with pytest.raises(ValidationError):
        TokenSettings.model_validate("https://auth.example.com")


def test_the_defaults_are_short_lived_and_asymmetric() -> None:
    settings = TokenSettings(issuer="https://auth.example.com")

    assert settings.algorithm == "ES256"
    assert settings.access_token_lifetime == timedelta(minutes=10)
    assert settings.leeway == timedelta(seconds=30)
    assert settings.key_rotation_interval == timedelta(days=30)
    assert settings.key_dwell == timedelta(hours=24)
    assert settings.key_retention == timedelta(minutes=10, seconds=30 + 10 + 60)


def test_a_key_may_sign_as_soon_as_every_verifier_knows_it() -> None:
    settings = TokenSettings.model_validate({"issuer": "https://auth.example.com", "key_dwell": "PT5M10S"})

    assert settings.key_dwell == settings.jwks_max_age + settings.key_refresh_interval
