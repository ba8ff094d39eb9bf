"""Each signing algorithm from end to end, and what stays good when it is changed."""

from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from auth_service.settings import Settings
from tests.support.forgery import encode, read_segment
from tests.support.keys import KeyStore, key_events
from tests.support.service import running_service
from tests.support.settings import make_settings, new_master_key
from tests.support.tokens import assert_invalid_token, read_me

MASTER_KEY = new_master_key()
PUBLIC_MEMBERS = {"kty", "crv", "x", "y", "n", "e", "kid", "use", "alg"}
KEY_TYPES = {"ES256": "EC", "RS256": "RSA", "EdDSA": "OKP"}


def settings_with(url: str, algorithm: str) -> Settings:
    tokens: dict[str, object] = {"algorithm": algorithm}
    return make_settings(url, security={"master_keys": MASTER_KEY}, tokens=tokens)


# RFC 9864 calls it Ed25519 now; verifiers in use know it as EdDSA.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize(("algorithm", "key_type"), KEY_TYPES.items())
async def test_each_algorithm_signs(migrated_database: str, algorithm: str, key_type: str) -> None:
    async with running_service(settings_with(migrated_database, algorithm)) as service:
        account = await service.make_user()
        answer = await read_me(service, account.token)
        published = (await service.client.get("/.well-known/jwks.json")).json()

    verified = jwt.decode(account.token, KeySet.import_key_set(published), algorithms=[algorithm])
    active = published["keys"][0]
    assert answer.status_code == 200
    assert verified.claims["sub"] == str(account.id)
    assert verified.header == {"alg": algorithm, "kid": active["kid"], "typ": "at+jwt"}
    assert [(key["alg"], key["kty"], key["use"]) for key in published["keys"]] == [(algorithm, key_type, "sig")] * 2
    assert all(key.keys() <= PUBLIC_MEMBERS for key in published["keys"])


async def test_another_algorithm_signs_as_soon_as_its_key_has_dwelt(migrated_database: str) -> None:
    async with running_service(settings_with(migrated_database, "ES256")) as service:
        tokens = [(await service.make_user()).token]

    async with running_service(settings_with(migrated_database, "RS256")) as service:
        tokens.append((await service.make_user()).token)
        for passed in (timedelta(hours=23), timedelta(hours=2)):
            await KeyStore(service.runtime.settings).let_pass(passed)
            await service.runtime.tend_keys()
            tokens.append((await service.make_user()).token)
        algorithms = [read_segment(token, 0)["alg"] for token in tokens]
        answers = [(await read_me(service, token)).status_code for token in tokens]

    assert algorithms == ["ES256", "ES256", "ES256", "RS256"]
    assert answers == [200] * 4


async def test_a_next_key_of_another_algorithm_is_replaced_at_the_start(migrated_database: str) -> None:
    store = KeyStore(settings_with(migrated_database, "ES256"))
    async with running_service(store.settings):
        active, replaced = await store.kid("active"), await store.kid("next")

    async with running_service(settings_with(migrated_database, "EdDSA")) as service:
        events = await key_events(service)

    upcoming = await store.kid("next")
    assert await store.states() == {active: "active", upcoming: "next"}
    assert events == {
        ("signing_key.created", active): {"algorithm": "ES256", "state": "active"},
        ("signing_key.created", replaced): {"algorithm": "ES256", "state": "next"},
        ("signing_key.removed", replaced): {"state": "next"},
        ("signing_key.created", upcoming): {"algorithm": "EdDSA", "state": "next"},
    }


async def test_a_replica_with_another_algorithm_does_not_hurry_the_rotation(migrated_database: str) -> None:
    """While settings are being rolled out, some replicas have the old ones."""
    async with running_service(settings_with(migrated_database, "ES256")) as old:
        async with running_service(settings_with(migrated_database, "RS256")):
            store = KeyStore(old.runtime.settings)
            before = await store.states()
            await store.let_pass(timedelta(hours=25))

        await old.runtime.tend_keys()

    assert await store.states() == before


async def test_the_name_of_one_key_under_the_algorithm_of_another_is_refused(migrated_database: str) -> None:
    async with running_service(settings_with(migrated_database, "ES256")) as service:
        account = await service.make_user()

    async with running_service(settings_with(migrated_database, "RS256")) as service:
        await KeyStore(service.runtime.settings).let_pass(timedelta(hours=25))
        await service.runtime.tend_keys()
        renewed = await service.sign_in_again(account)
        header, other = read_segment(renewed.token, 0), read_segment(account.token, 0)
        _, body, signature = renewed.token.split(".")
        crossed = [
            await read_me(service, f"{encode(forged)}.{body}.{signature}")
            for forged in (
                {**header, "kid": other["kid"]},
                {**header, "alg": "ES256"},
                {**other, "alg": "RS256"},
                {**header, "alg": "PS256"},
            )
        ]

    assert (header["alg"], other["alg"]) == ("RS256", "ES256")
    for response in crossed:
        assert_invalid_token(response)
