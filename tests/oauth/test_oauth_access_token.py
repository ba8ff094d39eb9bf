"""What a sign-in gives: the answer of RFC 6749 section 5.1 around a token of RFC 9068."""

from uuid import UUID

import pytest

from tests.conftest import MakeUser
from tests.support.forgery import decode, read_segment
from tests.support.service import Service, assert_problem, bearer, running_service
from tests.support.settings import ISSUER, make_settings
from tests.support.tokens import assert_invalid_token, read_me

OWN_SCOPES = "items:read items:write profile:read profile:write"
ORDERS = "https://orders.example.com"


async def test_the_answer_has_the_members_of_the_rfc_and_is_not_stored(service: Service, make_user: MakeUser) -> None:
    account = await make_user()

    response = await service.sign_in(account.email)

    answer = response.json()
    assert response.status_code == 200
    assert answer == {
        "access_token": answer["access_token"],
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": OWN_SCOPES,
        "refresh_token": answer["refresh_token"],
    }
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"


async def test_the_token_has_the_claims_of_the_profile_and_no_others(service: Service, make_user: MakeUser) -> None:
    account = await make_user(username="ann", full_name="Ann Example")

    token = (await service.sign_in("ann")).json()["access_token"]

    signed_in = await service.stored_user(account.id)
    assert signed_in is not None
    assert signed_in.last_login_at is not None
    issued_at = int(signed_in.last_login_at.timestamp())
    header, claims = read_segment(token, 0), read_segment(token, 1)
    assert header == {"alg": "ES256", "kid": service.runtime.keys.active.kid, "typ": "at+jwt"}
    assert claims == {
        "iss": ISSUER,
        "sub": str(account.id),
        "aud": [ISSUER],
        "exp": issued_at + 600,
        "iat": issued_at,
        "jti": claims["jti"],
        "client_id": "client_first_party",
        "scope": OWN_SCOPES,
        "auth_time": claims["auth_time"],
        "amr": ["pwd"],
        "acr": "aal1",
        "sid": str((await service.live_sessions(account))[0].id),
    }
    assert claims["auth_time"] in {issued_at, issued_at + 1}
    assert UUID(claims["jti"]).version == 7


async def test_no_personal_fact_is_in_a_token(service: Service, make_user: MakeUser) -> None:
    await make_user(email="zoe@private.example.com", username="zoe.private", full_name="Zoe Private")

    token = (await service.sign_in("zoe.private")).json()["access_token"]

    readable = b"".join(decode(segment) for segment in token.split(".")[:2]).lower()
    assert b"private" not in readable
    assert b"zoe" not in readable


async def test_no_two_tokens_are_the_same(service: Service, make_user: MakeUser) -> None:
    account = await make_user()

    again = await service.sign_in_again(account)

    assert read_segment(account.token, 1)["jti"] != read_segment(again.token, 1)["jti"]


@pytest.mark.parametrize(
    ("asked", "granted", "roles"),
    [
        pytest.param({}, f"admin {OWN_SCOPES}", ["admin"], id="nothing asked"),
        pytest.param({"scope": ""}, f"admin {OWN_SCOPES}", ["admin"], id="asked for nothing"),
        pytest.param({"scope": "admin"}, "admin", ["admin"], id="admin"),
        pytest.param({"scope": "profile:read"}, "profile:read", None, id="without admin"),
        pytest.param({"scope": " items:read  profile:read items:read"}, "items:read profile:read", None, id="twice"),
    ],
)
async def test_scopes_narrow_an_administrators_token_and_the_role_goes_with_the_scope(
    service: Service, make_admin: MakeUser, asked: dict[str, str], granted: str, roles: list[str] | None
) -> None:
    admin = await make_admin()

    response = await service.sign_in(admin.email, **asked)

    claims = read_segment(response.json()["access_token"], 1)
    assert response.json()["scope"] == granted
    assert claims["scope"] == granted
    assert claims.get("roles") == roles


async def test_a_narrowed_token_does_what_it_was_narrowed_to_and_nothing_else(
    service: Service, make_user: MakeUser
) -> None:
    account = await service.sign_in_again(await make_user(), scope="items:read")

    items, me = [await service.client.get(path, headers=bearer(account)) for path in ("/items", "/users/me")]

    assert items.status_code == 200
    assert_problem(me, 403, code="insufficient_scope")
    assert me.headers["www-authenticate"].endswith('error="insufficient_scope", scope="profile:read"')


async def test_a_token_is_made_out_to_the_audiences_or_to_the_resource_that_was_asked_for(
    migrated_database: str,
) -> None:
    tokens = {"issuer": ISSUER, "shared_audiences": ORDERS, "access_token_lifetime": 30}
    async with running_service(make_settings(migrated_database, tokens=tokens)) as service:
        account = await service.make_user()
        shared = (await service.sign_in(account.email)).json()
        narrowed = (await service.sign_in(account.email, resource=ORDERS)).json()
        own = (await service.sign_in(account.email, resource=ISSUER)).json()

        answers = [await read_me(service, answer["access_token"]) for answer in (shared, own, narrowed)]

    audiences = [read_segment(answer["access_token"], 1)["aud"] for answer in (shared, own, narrowed)]
    assert audiences == [[ISSUER, ORDERS], [ISSUER], [ORDERS]]
    assert [answer.status_code for answer in answers] == [200, 200, 401]
    assert_invalid_token(answers[2])
    assert shared["expires_in"] == 30
    claims = read_segment(shared["access_token"], 1)
    assert claims["exp"] - claims["iat"] == 30
