"""Which passwords are taken as new ones."""

import unicodedata

import pytest
from pydantic import SecretStr

from auth_service.authenticators.errors import WeakPasswordError
from auth_service.authenticators.password_policy import check_new_password
from auth_service.authenticators.settings import PasswordPolicySettings

SHORTEST_BY_DEFAULT = 8


@pytest.mark.parametrize("password", ["eightcha", "        ", "ßßßßßßßß", "🚲🚲🚲🚲🚲🚲🚲🚲", "a" * 256])
def test_no_kind_of_character_is_asked_for(password: str) -> None:
    check_new_password(SecretStr(password), PasswordPolicySettings())


@pytest.mark.parametrize("password", ["", "sevench", "🚲" * 7, unicodedata.normalize("NFD", "ü" * 7)])
def test_a_short_password_is_refused_with_the_reason(password: str) -> None:
    with pytest.raises(WeakPasswordError) as refused:
        check_new_password(SecretStr(password), PasswordPolicySettings())

    assert str(refused.value) == f"A password needs at least {SHORTEST_BY_DEFAULT} characters."
    assert not password or password not in str(refused.value)


def test_the_least_length_is_a_setting() -> None:
    policy = PasswordPolicySettings(minimum_length=15)

    check_new_password(SecretStr("x" * 15), policy)
    with pytest.raises(WeakPasswordError, match="at least 15 characters"):
        check_new_password(SecretStr("x" * 14), policy)
