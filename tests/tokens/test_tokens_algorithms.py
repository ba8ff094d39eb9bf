"""Each signing algorithm from end to end, and what stays good when it is changed."""

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from auth_service.settings import Settings
from tests.support.forgery import encode, read_segment
from tests.support.service import running_service
from tests.support.settings import ISSUER, make_settings, new_master_key
from tests.support.tokens import assert_invalid_token, read_me

MASTER_KEY = new_master_key()
PUBLIC_MEMBERS = {"kty", "crv", "x", "y", "n", "e", "kid", "use", "alg"}
KEY_TYPES = {"ES256": "EC", "RS256": "RSA", "EdDSA": "OKP"}


def settings_with(url: str, algorithm: str) -> Settings:
    tokens: dict[str, object] = {"issuer": ISSUER, "algorithm": algorithm}
    return make_settings(url, security={"master_keys": MASTER_KEY}, tokens=tokens)


# RFC 9864 calls it Ed25519 now; verifiers in use know it as EdDSA.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_each_algorithm_signs_and_what_the_others_signed_stays_good(migrated_database: str) -> None:
    tokens: list[str] = []

    for algorithm, key_type in KEY_TYPES.items():
        async with running_service(settings_with(migrated_database, algorithm)) as service:
            account = await service.make_user()
            tokens.append(account.token)
            answers = [(await read_me(service, token)).status_code for token in tokens]
            published = (await service.client.get("/.well-known/jwks.json")).json()

        verified = jwt.decode(account.token, KeySet.import_key_set(published), algorithms=[algorithm])
        newest = published["keys"][-1]
        assert answers == [200] * len(tokens)
        assert verified.claims["sub"] == str(account.id)
        assert verified.header == {"alg": algorithm, "kid": newest["kid"], "typ": "at+jwt"}
        assert (newest["alg"], newest["kty"], newest["use"]) == (algorithm, key_type, "sig")
        assert [key["kid"] for key in published["keys"]] == [read_segment(token, 0)["kid"] for token in tokens]
        assert all(key.keys() <= PUBLIC_MEMBERS for key in published["keys"])


async def test_the_name_of_one_key_under_the_algorithm_of_another_is_refused(migrated_database: str) -> None:
    async with running_service(settings_with(migrated_database, "ES256")) as service:
        account = await service.make_user()

    async with running_service(settings_with(migrated_database, "RS256")) as service:
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

    for response in crossed:
        assert_invalid_token(response)
