"""Signing in: which spellings of an address and of a password are the same."""

import unicodedata

import pytest

from tests.conftest import MakeUser
from tests.support.hashes import hashing_with
from tests.support.service import PASSWORD, Service

ADDRESS = "Zoë.Ångström@Bücher.example.com"
COMPOSED = unicodedata.normalize("NFC", "Zoë's pässwörd")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


@pytest.mark.parametrize(
    "spelling",
    [
        pytest.param(ADDRESS, id="as given"),
        pytest.param(ADDRESS.lower(), id="lower case"),
        pytest.param(ADDRESS.upper(), id="upper case"),
        pytest.param(unicodedata.normalize("NFD", ADDRESS), id="decomposed"),
        pytest.param(f"  {ADDRESS}\t", id="surrounding space"),
        pytest.param("Zoë.Ångström@xn--bcher-kva.example.com", id="the domain as an A-label"),
    ],
)
async def test_every_spelling_of_an_address_signs_in(service: Service, spelling: str) -> None:
    await service.make_user(email=ADDRESS)

    response = await service.sign_in(spelling)

    assert response.status_code == 200, response.text


@pytest.mark.parametrize("spelling", ["ann.example", "Ann.Example", " ann.example "])
async def test_a_username_signs_in(service: Service, make_user: MakeUser, spelling: str) -> None:
    await make_user(username="ann.example")

    response = await service.sign_in(spelling)

    assert response.status_code == 200, response.text


@pytest.mark.parametrize("scheme", ["argon2", "bcrypt"])
async def test_every_character_of_a_password_counts(service: Service, scheme: str) -> None:
    password = "a" * 72 + "b" * 183 + "c"

    with hashing_with(service, scheme=scheme):
        account = await service.make_user(password=password)
        answers = {
            attempt: (await service.sign_in(account.email, attempt)).status_code
            for attempt in (password, password[:-1] + "d", password[:72] + "c" + password[73:], password[:72])
        }

    assert list(answers.values()) == [200, 400, 400, 400]


@pytest.mark.parametrize(("chosen", "typed"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)], ids=["NFC", "NFD"])
async def test_a_password_is_one_on_every_keyboard(service: Service, chosen: str, typed: str) -> None:
    account = await service.make_user(password=chosen)

    response = await service.sign_in(account.email, typed)

    assert chosen != typed
    assert response.status_code == 200, response.text


async def test_characters_are_counted_after_they_are_normalised(service: Service) -> None:
    longest = unicodedata.normalize("NFD", "ü" * 256)
    account = await service.make_user(password=longest)

    response = await service.sign_in(account.email, longest)

    assert len(longest) == 512
    assert response.status_code == 200, response.text


async def test_space_around_a_password_belongs_to_it(service: Service) -> None:
    account = await service.make_user(password=f" {PASSWORD} ")

    good, stripped = await service.sign_in(account.email, f" {PASSWORD} "), await service.sign_in(account.email)

    assert (good.status_code, stripped.status_code) == (200, 400)


async def test_a_form_that_leaves_utf_8_as_it_is_says_the_same_password(service: Service) -> None:
    account = await service.make_user(password=COMPOSED)

    response = await service.client.post(
        "/oauth/token",
        content=f"grant_type=password&username={account.email}&password={COMPOSED}".encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert response.status_code == 200, response.text
