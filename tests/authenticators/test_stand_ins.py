"""What unknown identifiers are compared with."""

from collections import Counter

from pydantic import SecretStr

from auth_service.authenticators.stand_ins import StandIns
from auth_service.security.passwords import PasswordHasher, Verification
from auth_service.security.settings import HashingSettings
from tests.conftest import MakeUser
from tests.support.service import Service
from tests.support.settings import CHEAP_HASHES

OLD, NEW = "$2b$12$old", "$argon2id$new"


def test_nothing_is_picked_while_nothing_is_stored() -> None:
    stand_ins = StandIns(b"key")

    assert stand_ins.pick("nobody@example.com") is None


def test_an_identifier_always_gets_the_same_stand_in() -> None:
    stand_ins = StandIns(b"key")
    stand_ins.replace([OLD, NEW, OLD, NEW])

    picks = {stand_ins.pick("nobody@example.com") for _ in range(10)}

    assert len(picks) == 1


def test_each_scheme_stands_in_as_often_as_it_is_stored() -> None:
    stand_ins = StandIns(b"key")
    stand_ins.replace([OLD] * 25 + [NEW] * 75)

    picks = Counter(stand_ins.pick(f"nobody{number}@example.com") for number in range(2000))

    assert 400 < picks[OLD] < 600
    assert picks[OLD] + picks[NEW] == 2000


def test_another_key_picks_otherwise() -> None:
    one, other = StandIns(b"key"), StandIns(b"another key")
    for stand_ins in (one, other):
        stand_ins.replace([OLD, NEW] * 50)

    identifiers = [f"nobody{number}@example.com" for number in range(50)]

    assert [one.pick(name) for name in identifiers] != [other.pick(name) for name in identifiers]


async def test_the_password_of_a_stand_in_opens_nothing() -> None:
    hasher = PasswordHasher(HashingSettings.model_validate(CHEAP_HASHES))
    somebody = await hasher.hash(SecretStr("somebody's password"))

    verification = await hasher.verify(SecretStr("somebody's password"), None, stand_in=somebody)
    hasher.close()

    assert not verification.matches


async def test_the_service_samples_the_hashes_that_are_stored(service: Service, make_user: MakeUser) -> None:
    accounts = [await make_user() for _ in range(3)]
    stored = {(await service.stored_user(account.id)).hashed_password for account in accounts}  # type: ignore[union-attr]

    await service.runtime.refresh_stand_ins()

    picks = {service.runtime.stand_ins.pick(f"nobody{number}@example.com") for number in range(200)}
    assert picks == stored


async def test_every_spelling_of_an_unknown_address_gets_the_same_stand_in(service: Service) -> None:
    hasher, asked = service.runtime.hasher, set()
    verify = hasher.verify

    async def note(password: SecretStr, password_hash: str | None, *, stand_in: str | None = None) -> Verification:
        asked.add(stand_in)
        return await verify(password, password_hash, stand_in=stand_in)

    service.runtime.stand_ins.replace([OLD, NEW] * 500)
    hasher.verify = note  # type: ignore[method-assign]
    try:
        for spelling in ("ghost@example.com", "Ghost@Example.com", " GHOST@example.COM", "gHoSt@example.com\t"):
            await service.sign_in(spelling)
    finally:
        del hasher.verify
        service.runtime.stand_ins.replace([])

    assert len(asked) == 1
