"""Which master keys are taken, and which are refused with the reason and without the key."""

import base64
import os
import secrets

import pytest
from pydantic import ValidationError

from auth_service.security.settings import HashingSettings, SecuritySettings, parse_master_key

KEY = bytes(range(200, 232))
STANDARD = base64.b64encode(KEY).decode()
URL_SAFE = base64.urlsafe_b64encode(KEY).decode()


@pytest.mark.parametrize("spelling", [STANDARD, URL_SAFE, STANDARD.rstrip("="), URL_SAFE.rstrip("="), f" {STANDARD}\n"])
def test_a_master_key_is_read_in_either_alphabet(spelling: str) -> None:
    assert parse_master_key(spelling) == KEY


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "at least one master key is needed", id="nothing"),
        pytest.param(" , ", "at least one master key is needed", id="separators"),
        pytest.param("changeme", "a master key is 32 bytes in base64, this one has 6", id="a word"),
        pytest.param("a", "a master key is base64", id="a letter"),
        pytest.param("schlüssel", "a master key is base64", id="a letter beyond ASCII"),
        pytest.param(base64.b64encode(KEY[:31]).decode(), "this one has 31", id="a byte too short"),
        pytest.param(base64.b64encode(KEY + b"x").decode(), "this one has 33", id="a byte too long"),
        pytest.param(base64.b64encode(bytes(32)).decode(), "this master key is not random", id="zeros"),
        pytest.param(base64.b64encode(b"abcd" * 8).decode(), "this master key is not random", id="a pattern"),
        pytest.param(f"{STANDARD},changeme", "this one has 6", id="a good one and a bad one"),
    ],
)
def test_a_weak_master_key_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SecuritySettings.model_validate({"master_keys": text})

    assert reason in str(refused.value.errors(include_input=False))


def test_a_list_of_keys_is_taken_as_it_is() -> None:
    settings = SecuritySettings.model_validate({"master_keys": [STANDARD]})

    assert [key.get_secret_value() for key in settings.master_keys] == [STANDARD]


def test_no_master_key_is_in_the_representation() -> None:
    key = base64.b64encode(secrets.token_bytes(32)).decode()

    settings = SecuritySettings.model_validate({"master_keys": key})

    assert key not in repr(settings)
    assert key not in settings.model_dump_json()


def test_hashing_has_as_many_workers_as_the_process_has_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 2, 5}, raising=False)
    assert HashingSettings().workers == 3

    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert HashingSettings().workers == 7


def test_new_hashes_have_the_parameters_that_owasp_names() -> None:
    settings = HashingSettings()

    assert (settings.scheme, settings.argon2_memory_kib, settings.argon2_passes) == ("argon2", 19_456, 2)
    assert settings.bcrypt_cost == 12
