"""Recovery codes: how they look, and which ways of writing one mean the same."""

import re
from uuid import UUID

import pytest

from auth_service.authenticators.recovery_codes import digest_recovery_code, new_recovery_codes

ANN, BEN = UUID(int=1), UUID(int=2)
CODE = "k3vn-7qpa-x2ml-5tcw"


def test_there_are_ten_of_eighty_bits_and_no_two_are_the_same() -> None:
    codes = [code for _ in range(100) for code in new_recovery_codes(user_id=ANN)]

    assert len(set(codes)) == 1000
    assert all(re.fullmatch("[a-z2-7]{4}(-[a-z2-7]{4}){3}", code) for code in codes)


def test_every_new_one_is_stored_as_it_is_recognised_when_it_is_shown() -> None:
    codes = new_recovery_codes(user_id=ANN)

    assert {code: digest_recovery_code(code, user_id=ANN) for code in codes} == codes
    assert len(codes) == 10


@pytest.mark.parametrize("spelling", ["k3vn7qpax2ml5tcw", "K3VN-7QPA-X2ML-5TCW", " k3vn 7qpa x2ml 5tcw "])
def test_how_it_is_written_does_not_matter(spelling: str) -> None:
    assert digest_recovery_code(spelling, user_id=ANN) == digest_recovery_code(CODE, user_id=ANN) is not None


def test_the_same_code_of_another_account_has_another_digest() -> None:
    assert digest_recovery_code(CODE, user_id=ANN) != digest_recovery_code(CODE, user_id=BEN)


@pytest.mark.parametrize(
    "text", ["", "-", CODE[:-1], f"{CODE}a", CODE.replace("k", "1"), CODE.replace("k", "ß"), "123456"]
)
def test_what_cannot_be_one_has_no_digest(text: str) -> None:
    assert digest_recovery_code(text, user_id=ANN) is None
