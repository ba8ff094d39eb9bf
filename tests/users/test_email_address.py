"""The one spelling under which an account is found."""

import unicodedata

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from auth_service.users.email_address import normalize_email
from auth_service.users.identifier import normalize_identifier

BOUNDED = settings(derandomize=True, database=None, max_examples=200)
LETTERS = st.characters(categories=("Lu", "Ll", "Lo", "Nd"), exclude_characters="\u0130\u0131")
LOCAL_PARTS = st.text(st.one_of(LETTERS, st.sampled_from("abzAZ09éÉß\u017fΣς")), min_size=1, max_size=12)
DOMAINS = st.sampled_from(["example.com", "EXAMPLE.Com", "mail.example.org", "bücher.example.com", "例え.example.com"])


@BOUNDED
@given(local_part=LOCAL_PARTS, domain=DOMAINS)
def test_normalizing_twice_changes_nothing_more(local_part: str, domain: str) -> None:
    normalized = _normalized(f"{local_part}@{domain}")

    assert normalize_email(normalized) == normalized


@BOUNDED
@given(
    local_part=st.text(st.sampled_from("abzABZ09._+-"), min_size=1, max_size=12),
    domain=st.text(st.sampled_from("abzABZ09.-"), min_size=1, max_size=12).map(lambda text: f"{text}.Example.com"),
)
def test_who_signs_in_with_an_address_is_looked_for_under_its_key(local_part: str, domain: str) -> None:
    address = f"{local_part}@{domain}"

    assert normalize_identifier(address) == _normalized(address)


@BOUNDED
@given(local_part=LOCAL_PARTS, domain=DOMAINS)
def test_case_composition_and_space_make_no_other_address(local_part: str, domain: str) -> None:
    address = f"{local_part}@{domain}"
    normalized = _normalized(address)

    for spelling in (unicodedata.normalize("NFD", address), f" {address}\n", f"{local_part}@{domain.upper()}"):
        assert _normalized(spelling) == normalized
    for other_case in (local_part.upper(), local_part.lower(), local_part.swapcase()):
        assert _normalized(f"{other_case}@{domain}") == normalized


def test_no_folded_character_takes_more_room_than_its_bytes_did() -> None:
    letters = (chr(number) for number in range(0x110000) if not 0xD800 <= number <= 0xDFFF)

    grown = [letter for letter in letters if len(letter.casefold()) > len(letter.encode())]

    assert grown == ["\u0390", "\u03b0"]
    assert [len(unicodedata.normalize("NFC", letter.casefold())) for letter in grown] == [1, 1]


@pytest.mark.parametrize(
    ("address", "normalized"),
    [
        pytest.param("Ann@Example.COM", "ann@example.com", id="case"),
        pytest.param("a.n.n+shop@example.com", "a.n.n+shop@example.com", id="dots and plus signs are kept"),
        pytest.param("ann@BÜCHER.example.com", "ann@xn--bcher-kva.example.com", id="the domain's A-label"),
        pytest.param("ann@XN--BCHER-KVA.example.com", "ann@xn--bcher-kva.example.com", id="an A-label in capitals"),
        pytest.param("Stra\u00dfe@example.com", "strasse@example.com", id="a sharp s"),
        pytest.param("jose\u0301@example.com", "jos\u00e9@example.com", id="composition"),
    ],
)
def test_each_address_has_one_key(address: str, normalized: str) -> None:
    assert normalize_email(address) == normalized


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "@example.com",
        "ann@",
        "ann@localhost",
        "a@b@example.com",
        "ann@exa mple.com",
        "ann@-.com",
        "ann\x00@e.com",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="is not an e-mail address"):
        normalize_email(address)


def _normalized(address: str) -> str:
    try:
        return normalize_email(address)
    except ValueError:
        assume(False)  # noqa: FBT003 - no address, so nothing to compare
        raise
