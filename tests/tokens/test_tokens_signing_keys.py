"""Signing keys at rest: encrypted, bound to their row, made once and never replaced by accident."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from auth_service.security.secrets import SecretBox
from auth_service.security.settings import parse_master_key
from auth_service.settings import Settings
from auth_service.tokens.errors import UnusableSigningKeyError
from auth_service.tokens.jws import generate_private_key, load_signing_key
from auth_service.tokens.key_safe import KEY_PURPOSE
from auth_service.tokens.settings import SigningAlgorithm
from auth_service.wiring.runtime import Runtime
from tests.support.keys import KeyStore, key_events
from tests.support.service import running_service
from tests.support.settings import ISSUER, make_settings, new_master_key

FIRST, SECOND = new_master_key(), new_master_key()


def settings_with(url: str, *master_keys: str, algorithm: str = "ES256") -> Settings:
    tokens: dict[str, object] = {"issuer": ISSUER, "algorithm": algorithm}
    return make_settings(url, security={"master_keys": ",".join(master_keys)}, tokens=tokens)


async def start(settings: Settings) -> str:
    """Start the service, stop it, and return the name of the key that it signs with."""
    async with running_service(settings) as service:
        return service.runtime.keys.active.kid


async def test_the_private_part_is_stored_encrypted(migrated_database: str) -> None:
    settings = settings_with(migrated_database, FIRST)
    async with running_service(settings) as service:
        key = service.runtime.keys.active.private_key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    pkcs8 = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    scalar = key.private_numbers().private_value.to_bytes(32)

    record = next(record for record in await KeyStore(settings).all() if record.state == "active")

    box = SecretBox([parse_master_key(FIRST)], purpose=KEY_PURPOSE)
    context = f"{record.kid}/ES256/signing-keys".encode()
    assert box.open(record.encrypted_private_key, context=context) == pkcs8
    for column in record.model_dump().values():
        stored = column if isinstance(column, bytes) else str(column).encode()
        assert scalar not in stored
        assert pkcs8[:24] not in stored
        assert b"PRIVATE" not in stored


async def test_the_first_keys_are_made_once_and_recorded(migrated_database: str) -> None:
    settings = settings_with(migrated_database, FIRST)

    first, second = await start(settings), await start(settings)

    async with running_service(settings) as service:
        events = await key_events(service)
    upcoming = await KeyStore(settings).kid("next")
    assert first == second == await KeyStore(settings).kid("active")
    assert events == {
        ("signing_key.created", first): {"algorithm": "ES256", "state": "active"},
        ("signing_key.created", upcoming): {"algorithm": "ES256", "state": "next"},
    }


async def test_replicas_that_start_at_once_agree_on_one_key_set(migrated_database: str) -> None:
    settings = settings_with(migrated_database, FIRST)
    runtimes = [Runtime(settings) for _ in range(5)]

    await asyncio.gather(*(runtime.load_keys() for runtime in runtimes))

    key_sets = {runtime.keys.jwks for runtime in runtimes}
    for runtime in runtimes:
        await runtime.close()
    assert len(key_sets) == 1
    assert sorted((await KeyStore(settings).states()).values()) == ["active", "next"]


async def test_the_first_master_key_encrypts_and_every_one_opens(migrated_database: str) -> None:
    made = await start(settings_with(migrated_database, FIRST))

    behind_a_new_one = await start(settings_with(migrated_database, SECOND, FIRST))
    await start(settings_with(migrated_database, SECOND, FIRST, algorithm="EdDSA"))

    assert behind_a_new_one == made
    store = KeyStore(settings_with(migrated_database, SECOND))
    records = {record.algorithm: record for record in await store.all()}
    for algorithm, master_key in (("ES256", FIRST), ("EdDSA", SECOND)):
        box = SecretBox([parse_master_key(master_key)], purpose=KEY_PURPOSE)
        context = f"{records[algorithm].kid}/{algorithm}/signing-keys".encode()
        assert box.open(records[algorithm].encrypted_private_key, context=context)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_a_key_that_no_master_key_opens_stops_the_start_and_stays(migrated_database: str, algorithm: str) -> None:
    settings = settings_with(migrated_database, FIRST)
    made = await start(settings)
    before = [record.model_dump() for record in await KeyStore(settings).all()]

    with pytest.raises(UnusableSigningKeyError, match=r"signing key \S+ cannot be opened"):
        await start(settings_with(migrated_database, SECOND, algorithm=algorithm))

    assert [record.model_dump() for record in await KeyStore(settings).all()] == before
    assert await start(settings) == made


async def test_a_next_key_that_does_not_open_is_not_replaced_when_the_algorithm_changes(migrated_database: str) -> None:
    settings = settings_with(migrated_database, FIRST)
    await start(settings)
    store = KeyStore(settings)
    before = await store.states()
    await store.change(await store.kid("next"), encrypted_private_key=b"damaged")

    with pytest.raises(UnusableSigningKeyError):
        await start(settings_with(migrated_database, FIRST, algorithm="EdDSA"))

    assert await store.states() == before


async def test_the_private_part_of_one_key_cannot_be_passed_off_as_anothers(migrated_database: str) -> None:
    settings = settings_with(migrated_database, FIRST)
    await start(settings)
    one, other = await KeyStore(settings).all()

    await KeyStore(settings).change(one.kid, encrypted_private_key=other.encrypted_private_key)

    with pytest.raises(UnusableSigningKeyError):
        await start(settings)


async def test_a_row_that_was_tampered_with_stops_the_start(migrated_database: str) -> None:
    settings = settings_with(migrated_database, FIRST)
    made, store = await start(settings), KeyStore(settings)
    record = next(record for record in await store.all() if record.kid == made)
    good = record.model_dump()

    for column, content in (
        ("kid", "another-name"),
        ("algorithm", "RS256"),
        ("encrypted_private_key", b""),
        ("encrypted_private_key", record.encrypted_private_key[:-1]),
    ):
        await store.change(made, **{column: content})
        with pytest.raises(UnusableSigningKeyError):
            await start(settings)
        await store.change(str({**good, column: content}["kid"]), **good)

    assert await start(settings) == made


@pytest.mark.parametrize("algorithm", SigningAlgorithm)
def test_a_key_has_one_algorithm(algorithm: SigningAlgorithm) -> None:
    der = generate_private_key(algorithm)

    assert load_signing_key(der, algorithm).algorithm == algorithm
    for other in set(SigningAlgorithm) - {algorithm}:
        with pytest.raises(ValueError, match=f"this is not a key for {other}"):
            load_signing_key(der, other)


def test_no_private_key_is_in_a_representation() -> None:
    key = load_signing_key(generate_private_key(SigningAlgorithm.ES256), SigningAlgorithm.ES256)

    assert "private" not in repr(key).lower()
