"""Which passwords are taken as new ones."""

import unicodedata
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from auth_service.authenticators.errors import WeakPasswordError
from auth_service.authenticators.password_policy import make_password_policy
from auth_service.authenticators.settings import PasswordPolicySettings
from tests.support.common_passwords import HEADER, SHIPPED, common_passwords

SHORTEST_BY_DEFAULT = 8
COMMON = "This password is one of those that are guessed first. Choose another one."
LIKE_ADDRESS = "This password is little more than your e-mail address. Choose another one."
LIKE_USERNAME = "This password is little more than your username. Choose another one."
LIKE_SERVICE = "This password is little more than the name of this service. Choose another one."


def check(password: str, *, email: str = "jo@example.com", username: str | None = None, **settings: object) -> None:
    policy = make_password_policy(PasswordPolicySettings.model_validate(settings), host="id.example.org")
    policy.check(SecretStr(password), email=email, username=username)


def refusal_of(password: str, **known: str) -> str:
    with pytest.raises(WeakPasswordError) as refused:
        check(password, **known)
    return str(refused.value)


@pytest.mark.parametrize("password", ["eightcha", "        ", "ßßßßßßßß", "🚲🚲🚲🚲🚲🚲🚲🚲", "a" * 256])
def test_no_kind_of_character_is_asked_for(password: str) -> None:
    check(password)


@pytest.mark.parametrize("password", ["", "sevench", "🚲" * 7, unicodedata.normalize("NFD", "ü" * 7)])
def test_a_short_password_is_refused_with_the_reason(password: str) -> None:
    refusal = refusal_of(password)

    assert refusal == f"A password needs at least {SHORTEST_BY_DEFAULT} characters."
    assert not password or password not in refusal


def test_the_least_length_is_a_setting() -> None:
    check("x" * 15, minimum_length=15)
    with pytest.raises(WeakPasswordError, match="at least 15 characters"):
        check("x" * 14, minimum_length=15)


@pytest.mark.parametrize(
    "password",
    ["password", "PassWord", "12345678", "qwertyuiop", "1qaz2wsx", "iloveyou", "letmein123", "aaaaaaaa", "11223344",
     "trustno1", "dragon2024", "monkeymonkey", "P@ssw0rd"],
)  # fmt: skip
def test_a_common_password_is_refused_with_the_reason(password: str) -> None:
    assert refusal_of(password) == COMMON


def test_a_password_that_only_contains_a_common_one_is_taken() -> None:
    check("not the password of yesterday")
    check("password of yesterday")


def test_the_shipped_list_is_what_its_script_makes_and_long_enough() -> None:
    assert SHIPPED.read_text("utf-8") == HEADER + "".join(f"{one}\n" for one in common_passwords())
    assert len(common_passwords()) > 2000
    assert all(len(one) >= SHORTEST_BY_DEFAULT for one in common_passwords())


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        pytest.param("ann.smith", LIKE_ADDRESS, id="the local part"),
        pytest.param("Ann.Smith", LIKE_ADDRESS, id="in another case"),
        pytest.param("annsmith", LIKE_ADDRESS, id="without its signs"),
        pytest.param("a-n-n s-m-i-t-h", LIKE_ADDRESS, id="with other signs"),
        pytest.param("ann.smith1987!", LIKE_ADDRESS, id="and a few digits"),
        pytest.param("2024ann.smith", LIKE_ADDRESS, id="behind a few digits"),
        pytest.param("ann.smithann.smith", LIKE_ADDRESS, id="repeated"),
        pytest.param("ann.smith+shop", LIKE_ADDRESS, id="with its tag"),
        pytest.param("ann.smith+shop@example.com", LIKE_ADDRESS, id="the address"),
        pytest.param("ann.smith+shop@example.com!", LIKE_ADDRESS, id="the address and a sign"),
        pytest.param("zo\N{LATIN SMALL LETTER E WITH DIAERESIS}tje7777", LIKE_USERNAME, id="the username, composed"),
        pytest.param("zoe\N{COMBINING DIAERESIS}tje7777", LIKE_USERNAME, id="the username, decomposed"),
        pytest.param("auth-service", LIKE_SERVICE, id="the name of the software"),
        pytest.param("AuthService1", LIKE_SERVICE, id="and a digit"),
        pytest.param("id.example.org", LIKE_SERVICE, id="the host"),
    ],
)
def test_what_is_known_of_the_account_is_no_password(password: str, reason: str) -> None:
    assert refusal_of(password, email="Ann.Smith+shop@example.com", username="zoëtje") == reason


@pytest.mark.parametrize("password", ["joanne is here", "jo12345678", "jo and a horse", "annualjo"])
def test_a_password_with_more_in_it_than_what_is_known_is_taken(password: str) -> None:
    check(password, email="jo@example.com", username="jo")


def test_an_operator_adds_names_and_passwords(tmp_path: Path) -> None:
    more = tmp_path / "more.txt"
    more.write_bytes("\ufeff# our own\r\nRover-the-Dog\r\n\r\n#hashtag1\r\nCAFE\u0301 au lait\r\n".encode())
    settings = {"blocklist_file": str(more), "service_names": "Example Accounts, Example Inc"}

    for password in ("rover-the-dog", "#hashtag1", "café au lait", "password"):
        with pytest.raises(WeakPasswordError, match="guessed first"):
            check(password, **settings)
    for password in ("exampleaccounts", "Example Inc. 2026"):
        with pytest.raises(WeakPasswordError, match="the name of this service"):
            check(password, **settings)
    check("auth-service", **settings)
    check("# our own", **settings)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        pytest.param({"blocklist_file": "/nowhere/at/all"}, "does not point to a file", id="a missing file"),
        pytest.param({"blocklist_file": __file__ + "c"}, "does not point to a file", id="another missing file"),
        pytest.param({"breach_range_url": "http://example.com/range"}, "not an https URL", id="without TLS"),
        pytest.param({"breach_range_url": "https://example.com/?q="}, "not an https URL", id="with a query"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(settings: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        PasswordPolicySettings.model_validate(settings)


def test_a_list_that_is_no_text_is_refused(tmp_path: Path) -> None:
    binary = tmp_path / "list.txt"
    binary.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ValidationError, match="cannot be read as UTF-8 text"):
        PasswordPolicySettings.model_validate({"blocklist_file": binary})


def test_no_list_of_one_s_own_may_be_said_outright() -> None:
    assert PasswordPolicySettings.model_validate({"blocklist_file": None}).blocklist_file is None
