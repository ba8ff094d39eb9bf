"""Secrets at rest: what opens a ciphertext, and what does not."""

import pytest

from auth_service.security.errors import UndecryptableError
from auth_service.security.secrets import SecretBox, derive_key, master_keys_of
from auth_service.security.settings import SecuritySettings, parse_master_key
from tests.support.settings import new_master_key

FIRST, SECOND = parse_master_key(new_master_key()), parse_master_key(new_master_key())


def test_what_was_sealed_is_opened_in_the_same_context() -> None:
    box = SecretBox([FIRST], purpose="tests")

    sealed = box.seal(b"a secret", context=b"row 1")

    assert b"a secret" not in sealed
    assert box.open(sealed, context=b"row 1") == b"a secret"


def test_nothing_is_sealed_twice_in_the_same_way() -> None:
    box = SecretBox([FIRST], purpose="tests")

    assert box.seal(b"a secret", context=b"") != box.seal(b"a secret", context=b"")


@pytest.mark.parametrize(
    ("keys", "purpose", "context"),
    [
        pytest.param([FIRST], "tests", b"row 2", id="another context"),
        pytest.param([FIRST], "tests", b"", id="no context"),
        pytest.param([FIRST], "other tests", b"row 1", id="another purpose"),
        pytest.param([SECOND], "tests", b"row 1", id="another key"),
        pytest.param([], "tests", b"row 1", id="no key"),
    ],
)
def test_what_was_sealed_stays_closed_to_everything_else(keys: list[bytes], purpose: str, context: bytes) -> None:
    sealed = SecretBox([FIRST], purpose="tests").seal(b"a secret", context=b"row 1")

    with pytest.raises(UndecryptableError):
        SecretBox(keys, purpose=purpose).open(sealed, context=context)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 12, 20, 27, 35])
def test_a_part_of_a_ciphertext_opens_nothing(length: int) -> None:
    box = SecretBox([FIRST], purpose="tests")
    sealed = box.seal(b"a secret", context=b"")

    with pytest.raises(UndecryptableError):
        box.open(sealed[:length], context=b"")


def test_every_byte_of_a_ciphertext_counts() -> None:
    box = SecretBox([FIRST], purpose="tests")
    sealed = box.seal(b"a secret", context=b"")

    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(UndecryptableError):
            box.open(bytes(changed), context=b"")


@pytest.mark.parametrize(
    ("keys", "context", "current"),
    [
        pytest.param([FIRST], b"row 1", True, id="the only key"),
        pytest.param([FIRST, SECOND], b"row 1", True, id="the first key"),
        pytest.param([SECOND, FIRST], b"row 1", False, id="an older key"),
        pytest.param([FIRST], b"row 2", False, id="another context"),
    ],
)
def test_what_the_first_master_key_sealed_needs_no_other(keys: list[bytes], context: bytes, *, current: bool) -> None:
    sealed = SecretBox([FIRST], purpose="tests").seal(b"a secret", context=b"row 1")

    assert SecretBox(keys, purpose="tests").is_current(sealed, context=context) is current


def test_the_first_master_key_seals_and_every_one_opens() -> None:
    old, rotated = SecretBox([FIRST], purpose="tests"), SecretBox([SECOND, FIRST], purpose="tests")

    new = SecretBox([SECOND], purpose="tests")

    assert rotated.open(old.seal(b"old", context=b""), context=b"") == b"old"
    assert new.open(rotated.seal(b"new", context=b""), context=b"") == b"new"
    with pytest.raises(UndecryptableError):
        old.open(rotated.seal(b"new", context=b""), context=b"")


def test_each_purpose_has_a_key_of_its_own() -> None:
    keys = {derive_key(key, purpose=purpose) for key in (FIRST, SECOND) for purpose in ("one", "other")}

    assert len(keys) == 4
    assert keys.isdisjoint({FIRST, SECOND})


def test_the_configured_master_keys_keep_their_order() -> None:
    first, second = new_master_key(), new_master_key()

    settings = SecuritySettings.model_validate({"master_keys": f"{first}, {second}"})

    assert master_keys_of(settings) == [parse_master_key(first), parse_master_key(second)]
