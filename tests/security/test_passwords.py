"""Password hashes: which are understood, what replaces them, and that no input breaks them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from passlib.context import CryptContext
from passlib.hash import bcrypt
from pydantic import SecretStr

from auth_service.security.passwords import PasswordHasher, Verification
from auth_service.security.settings import HashingSettings
from tests.conftest import MakeUser
from tests.support.hashes import hashing_with, store_hash, stored_hash, watched_comparisons
from tests.support.service import PASSWORD, Service
from tests.support.settings import CHEAP_HASHES

NEW = "$argon2id$v=19$m=8,t=1,p=1$"
ONE: dict[str, Any] = {"argon2__time_cost": 1, "argon2__parallelism": 1}
OLD_HASHES = {
    "bcrypt 2b": bcrypt.using(rounds=4, ident="2b").hash(PASSWORD),
    "bcrypt 2a": bcrypt.using(rounds=4, ident="2a").hash(PASSWORD),
    "bcrypt 2y": bcrypt.using(rounds=4, ident="2y").hash(PASSWORD),
    "bcrypt over SHA-256": CryptContext(["bcrypt_sha256"], bcrypt_sha256__rounds=4).hash(PASSWORD),
    "Argon2id of other parameters": CryptContext(["argon2"], argon2__memory_cost=16, **ONE).hash(PASSWORD),
    "Argon2i": CryptContext(["argon2"], argon2__type="I", argon2__memory_cost=8, **ONE).hash(PASSWORD),
}


@pytest.fixture
async def hasher() -> AsyncIterator[PasswordHasher]:
    hasher = PasswordHasher(HashingSettings.model_validate(CHEAP_HASHES))
    yield hasher
    hasher.close()


@pytest.mark.parametrize("old_hash", [pytest.param(old, id=name) for name, old in OLD_HASHES.items()])
async def test_an_imported_hash_signs_in_and_is_replaced(service: Service, make_user: MakeUser, old_hash: str) -> None:
    account = await make_user()
    await store_hash(service, account, old_hash)

    first = await service.sign_in(account.email)
    replaced = await stored_hash(service, account)
    second = await service.sign_in(account.email)

    assert (first.status_code, second.status_code) == (200, 200)
    assert str(replaced).startswith(NEW)
    assert await stored_hash(service, account) == replaced


async def test_a_wrong_password_replaces_no_hash(service: Service, make_user: MakeUser) -> None:
    account = await make_user()
    await store_hash(service, account, OLD_HASHES["bcrypt 2b"])

    response = await service.sign_in(account.email, "not the password")

    assert response.status_code == 400
    assert await stored_hash(service, account) == OLD_HASHES["bcrypt 2b"]


async def test_bcrypt_can_be_the_scheme_of_new_hashes(service: Service) -> None:
    with hashing_with(service, scheme="bcrypt"):
        account = await service.make_user()
        made = await stored_hash(service, account)
        await store_hash(service, account, OLD_HASHES["Argon2id of other parameters"])
        response = await service.sign_in(account.email)
        replaced = await stored_hash(service, account)

    assert response.status_code == 200
    assert str(made).startswith("$bcrypt-sha256$v=2,t=2b,r=4$")
    assert str(replaced).startswith("$bcrypt-sha256$v=2,t=2b,r=4$")


async def test_a_good_hash_is_left_alone(hasher: PasswordHasher) -> None:
    password_hash = await hasher.hash(SecretStr(PASSWORD))

    verification = await hasher.verify(SecretStr(PASSWORD), password_hash)

    assert verification == Verification(matches=True, replacement=None)


HOSTILE_HASHES = ["", "!", "*", "x", " ", "$2b$", "$2b$99$" + "." * 53, "$argon2id$", NEW, "\x00", "\ud800", "é"]
HOSTILE_PASSWORDS = ["", "\x00", "a\x00b", "\ud800", "x" * 73, "x" * 4097, "\U0010ffff" * 300, "\u0301"]


@pytest.mark.parametrize("password_hash", HOSTILE_HASHES)
async def test_a_hash_that_is_none_matches_nothing(hasher: PasswordHasher, password_hash: str) -> None:
    for password in (PASSWORD, "", password_hash, "no account has this password"):
        verification = await hasher.verify(SecretStr(password), password_hash)

        assert verification == Verification(matches=False)


@pytest.mark.parametrize("old_hash", [*OLD_HASHES.values(), None], ids=[*OLD_HASHES, "no hash"])
@pytest.mark.parametrize("password", HOSTILE_PASSWORDS, ids=ascii)
async def test_a_hostile_password_is_a_wrong_password(
    hasher: PasswordHasher, old_hash: str | None, password: str
) -> None:
    verification = await hasher.verify(SecretStr(password), old_hash)

    assert not verification.matches


async def test_the_password_of_the_built_in_stand_in_opens_nothing(hasher: PasswordHasher) -> None:
    verification = await hasher.verify(SecretStr("no account has this password"), None)

    assert not verification.matches


async def test_what_cannot_match_costs_a_hash_all_the_same(
    hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = watched_comparisons(monkeypatch)

    for stored in (None, "!", OLD_HASHES["bcrypt 2b"]):
        await hasher.verify(SecretStr("x" * 73), stored)

    assert [each.startswith(NEW) for each in compared] == [True, False, True, False, True]
