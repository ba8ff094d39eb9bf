"""Token introspection (RFC 7662): for confidential clients, about what is theirs, and true at this moment."""

from collections.abc import Awaitable, Callable

import pytest
from httpx import AsyncClient, Response

from auth_service.clients.schemas import ClientWithSecret
from tests.conftest import MakeUser
from tests.support.forgery import Forger, read_segment
from tests.support.oauth import assert_oauth_error, basic
from tests.support.service import PASSWORD, Account, Service, bearer
from tests.support.settings import ISSUER

INACTIVE = {"active": False}


async def introspect(service: Service, client: ClientWithSecret, token: str, **more: str) -> Response:
    headers = basic(f"{client.client_id}:{client.client_secret}")
    return await service.client.post("/oauth/introspect", data={"token": token, **more}, headers=headers)


@pytest.fixture
async def gateway(service: Service) -> ClientWithSecret:
    """A service that tokens of this service are meant for."""
    return await service.make_client(own_audience=ISSUER, grants=[])


async def test_whom_a_token_is_meant_for_is_told_what_is_in_it(
    service: Service, gateway: ClientWithSecret, make_user: MakeUser
) -> None:
    account = await make_user()

    response = await introspect(service, gateway, account.token, token_type_hint="refresh_token")

    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {"active": True, "token_type": "Bearer", **read_segment(account.token, 1)}


async def test_whom_it_was_issued_to_is_told_about_both_kinds(service: Service, make_user: MakeUser) -> None:
    account = await make_user()
    made = await service.make_client(grants=["password", "refresh_token"], audiences=["https://orders.example.com"])
    headers = basic(f"{made.client_id}:{made.client_secret}")
    form = {"grant_type": "password", "username": account.email, "password": PASSWORD, "scope": "items:read"}
    issued = (await service.client.post("/oauth/token", data=form, headers=headers)).json()

    access = (await introspect(service, made, issued["access_token"])).json()
    refresh = (await introspect(service, made, issued["refresh_token"])).json()

    assert access == {"active": True, "token_type": "Bearer", **read_segment(issued["access_token"], 1)}
    assert refresh == {
        "active": True,
        "token_use": "refresh_token",
        "iss": ISSUER,
        "sub": str(account.id),
        "client_id": made.client_id,
        "scope": "items:read",
        "sid": access["sid"],
        "iat": refresh["iat"],
        "exp": refresh["iat"] + 14 * 24 * 3600,
    }


async def test_a_token_that_is_neither_issued_to_nor_meant_for_the_caller_might_as_well_not_exist(
    service: Service, gateway: ClientWithSecret, make_user: MakeUser
) -> None:
    account, stranger = await make_user(), await service.make_client(own_audience="https://orders.example.com")

    answers = [
        await introspect(service, stranger, account.token),
        await introspect(service, stranger, account.refresh_token),
        await introspect(service, gateway, account.refresh_token),
        await introspect(service, gateway, "nonsense"),
        await introspect(service, gateway, f"{account.refresh_token[:22]}.{'A' * 43}"),
        await introspect(service, gateway, Forger(service, account).sign_with_another_key()),
        await introspect(service, gateway, Forger(service, account).unsigned(alg="none")),
    ]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, INACTIVE)] * len(answers)


async def test_a_refresh_token_that_was_used_is_not_good(service: Service, make_user: MakeUser) -> None:
    account = await make_user()
    made = await service.make_client(grants=["password", "refresh_token"])
    headers = basic(f"{made.client_id}:{made.client_secret}")
    form = {"grant_type": "password", "username": account.email, "password": PASSWORD}
    used = (await service.client.post("/oauth/token", data=form, headers=headers)).json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": used}
    current = (await service.client.post("/oauth/token", data=form, headers=headers)).json()["refresh_token"]

    assert (await introspect(service, made, used)).json() == INACTIVE
    assert (await introspect(service, made, current)).json()["active"] is True


Ending = Callable[[Service, Account, Account], Awaitable[Response]]


async def _disable(service: Service, account: Account, admin: Account) -> Response:
    return await service.client.patch(f"/users/{account.id}", json={"is_active": False}, headers=bearer(admin))


async def _delete(service: Service, account: Account, admin: Account) -> Response:
    return await service.client.delete(f"/users/{account.id}", headers=bearer(admin))


async def _sign_out(service: Service, account: Account, _admin: Account) -> Response:
    return await service.client.post("/oauth/revoke", data={"token": account.token})


async def _change_password(service: Service, account: Account, _admin: Account) -> Response:
    change = {"current_password": PASSWORD, "new_password": "a much better passphrase"}
    return await service.client.put("/users/me/password", json=change, headers=bearer(account))


@pytest.mark.parametrize("end", [_disable, _delete, _sign_out, _change_password])
async def test_a_token_that_ended_is_not_good_from_that_moment(
    service: Service, gateway: ClientWithSecret, make_user: MakeUser, make_admin: MakeUser, end: Ending
) -> None:
    admin, account = await make_admin(), await make_user()
    before = (await introspect(service, gateway, account.token)).json()["active"]

    await end(service, account, admin)

    assert before is True
    assert (await introspect(service, gateway, account.token)).json() == INACTIVE


async def test_only_a_client_that_proves_who_it_is_may_ask(
    service: Service, client: AsyncClient, gateway: ClientWithSecret, make_user: MakeUser
) -> None:
    account = await make_user()
    public = await service.make_client(kind="public", own_audience="https://public.example.com")
    token = {"token": account.token}

    refused = [
        await client.post("/oauth/introspect", data=token),
        await client.post("/oauth/introspect", data={**token, "client_id": "client_first_party"}),
        await client.post("/oauth/introspect", data={**token, "client_id": public.client_id}),
        await client.post("/oauth/introspect", data={**token, "client_id": gateway.client_id}),
        await client.post("/oauth/introspect", data=token, headers=basic(f"{gateway.client_id}:wrong")),
        await client.post("/oauth/introspect", data=token, headers=bearer(account)),
    ]
    nothing = await client.post(
        "/oauth/introspect",
        data={"token_type_hint": "access_token"},
        headers=basic(f"{gateway.client_id}:{gateway.client_secret}"),
    )

    for response in refused:
        assert_oauth_error(response, "invalid_client", status=401)
    assert_oauth_error(nothing, "invalid_request")
