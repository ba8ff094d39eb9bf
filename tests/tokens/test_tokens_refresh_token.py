"""Refresh tokens: one spelling, one successor, and a key for successors that no other purpose has."""

import secrets

import pytest

from auth_service.security.secrets import derive_key
from auth_service.tokens.refresh_token import RefreshToken, derivation_keys
from tests.support.refresh_tokens import LOCATOR, MALFORMED, SECRET

KEY, SALT = b"k" * 32, b"s" * 16


def test_a_token_is_read_back_from_its_text() -> None:
    token = RefreshToken.generate()

    assert RefreshToken.parse(token.encode()) == token


def test_every_token_has_a_locator_and_a_secret_of_its_own() -> None:
    tokens = [RefreshToken.generate() for _ in range(100)]

    assert len({token.locator for token in tokens}) == len({token.secret for token in tokens}) == 100
    assert {(len(token.encode()), len(token.secret)) for token in tokens} == {(66, 32)}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_the_one_spelling_of_a_token_is_none(text: str) -> None:
    assert RefreshToken.parse(f"{LOCATOR}.{SECRET}") is not None

    assert RefreshToken.parse(text) is None


def test_a_successor_follows_from_key_salt_and_secret_and_keeps_the_locator() -> None:
    token = RefreshToken(LOCATOR, b"1" * 32)

    successor = token.successor(KEY, SALT)

    assert successor == RefreshToken(LOCATOR, b"1" * 32).successor(KEY, SALT)
    assert successor.locator == LOCATOR
    others = {
        token.secret,
        token.digest,
        token.successor(b"l" * 32, SALT).secret,
        token.successor(KEY, b"t" * 16).secret,
        RefreshToken(LOCATOR, b"2" * 32).successor(KEY, SALT).secret,
        successor.successor(KEY, SALT).secret,
    }
    assert len(others | {successor.secret}) == 7


def test_the_first_master_key_gives_the_key_for_new_successors_and_every_one_is_known_by_its_id() -> None:
    new, old = secrets.token_bytes(32), secrets.token_bytes(32)

    keys, alone = derivation_keys([new, old]), derivation_keys([old])

    assert next(iter(keys.values())) == derive_key(new, purpose="refresh-token-successors")
    assert alone.items() <= keys.items()
    assert len(keys) == 2
    assert all(len(key_id) == 16 and key_id not in (new.hex(), old.hex()) for key_id in keys)


def test_the_key_of_successors_is_nothing_else_s_key() -> None:
    master_key = secrets.token_bytes(32)

    (key,) = derivation_keys([master_key]).values()

    assert key != master_key
    assert key not in {derive_key(master_key, purpose=purpose) for purpose in ("page-cursors", "stand-ins")}


def test_the_secret_is_not_in_what_is_printed() -> None:
    token = RefreshToken.generate()

    assert repr(token) == f"RefreshToken(locator='{token.locator}')"
