"""Each signing algorithm from end to end, and what stays good when it is changed."""

import json

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from auth_service.settings import Settings
from tests.support.forgery import encode, read_segment
from tests.support.service import bearer, running_service
from tests.support.settings import ISSUER, make_settings, new_master_key
from tests.support.tokens import assert_invalid_token, read_me

MASTER_KEY = new_master_key()
KEY_TYPES = {"ES256": "EC", "RS256": "RSA", "EdDSA": "OKP"}


def settings_with(url: str, algorithm: str) -> Settings:
    tokens: dict[str, object] = {"issuer": ISSUER, "algorithm": algorithm}
    return make_settings(url, security={"master_keys": MASTER_KEY}, tokens=tokens)


# RFC 9864 calls it Ed25519 now; verifiers in use know it as EdDSA.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("algorithm", KEY_TYPES)
async def test_a_token_is_signed_published_and_accepted(migrated_database: str, algorithm: str) -> None:
    async with running_service(settings_with(migrated_database, algorithm)) as service:
        account = await service.make_user()
        accepted = await service.client.get("/users/me", headers=bearer(account))
        published = (await service.client.get("/.well-known/jwks.json")).json()
        head, body, signature = account.token.split(".")
        broken = await read_me(service, f"{head}.{body}.{'A' * len(signature)}")

    verified = jwt.decode(account.token, KeySet.import_key_set(published), algorithms=[algorithm])
    (key,) = published["keys"]
    assert accepted.status_code == 200
    assert verified.claims["sub"] == str(account.id)
    assert verified.header == {"alg": algorithm, "kid": key["kid"], "typ": "at+jwt"}
    assert (key["alg"], key["kty"], key["use"]) == (algorithm, KEY_TYPES[algorithm], "sig")
    assert_invalid_token(broken)


async def test_tokens_of_the_older_key_are_good_after_a_change_of_algorithm(migrated_database: str) -> None:
    async with running_service(settings_with(migrated_database, "ES256")) as service:
        account = await service.make_user()

    async with running_service(settings_with(migrated_database, "RS256")) as service:
        old = await service.client.get("/users/me", headers=bearer(account))
        renewed = await service.sign_in_again(account)
        new = await service.client.get("/users/me", headers=bearer(renewed))
        published = (await service.client.get("/.well-known/jwks.json")).json()["keys"]

    headers = [read_segment(token, 0) for token in (account.token, renewed.token)]
    assert (old.status_code, new.status_code) == (200, 200)
    assert [header["alg"] for header in headers] == ["ES256", "RS256"]
    assert [key["kid"] for key in published] == [header["kid"] for header in headers]


async def test_the_name_of_one_key_under_the_algorithm_of_another_is_refused(migrated_database: str) -> None:
    async with running_service(settings_with(migrated_database, "ES256")) as service:
        account = await service.make_user()

    async with running_service(settings_with(migrated_database, "RS256")) as service:
        renewed = await service.sign_in_again(account)
        header, other = read_segment(renewed.token, 0), read_segment(account.token, 0)
        _, body, signature = renewed.token.split(".")
        crossed = [
            await read_me(service, f"{encode(json.dumps(forged))}.{body}.{signature}")
            for forged in ({**header, "kid": other["kid"]}, {**header, "alg": "ES256"}, {**other, "alg": "RS256"})
        ]

    for response in crossed:
        assert_invalid_token(response)
