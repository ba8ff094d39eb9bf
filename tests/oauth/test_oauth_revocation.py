"""Token revocation (RFC 7009): any token of a session ends all of it, for whoever the client is."""

import pytest
from httpx import AsyncClient, Response

from tests.conftest import MakeUser
from tests.support.feed import fetch_feed
from tests.support.forgery import Forger
from tests.support.oauth import assert_oauth_error, basic
from tests.support.service import Account, Service
from tests.support.tokens import assert_invalid_token, read_me


async def revoke(client: AsyncClient, token: str, **more: str) -> Response:
    return await client.post("/oauth/revoke", data={"token": token, **more})


async def refresh(client: AsyncClient, token: str) -> Response:
    return await client.post("/oauth/token", data={"grant_type": "refresh_token", "refresh_token": token})


async def assert_signed_out(service: Service, account: Account, refresh_token: str) -> None:
    assert_invalid_token(await read_me(service, account.token))
    assert_oauth_error(await refresh(service.client, refresh_token), "invalid_grant")


@pytest.mark.parametrize("hint", ["", "access_token", "refresh_token", "id_token", "nonsense"])
@pytest.mark.parametrize("kind", ["token", "refresh_token"])
async def test_either_kind_of_token_ends_the_session_whatever_the_hint_says(
    service: Service, client: AsyncClient, make_user: MakeUser, kind: str, hint: str
) -> None:
    account, head = await make_user(), await fetch_feed(client)

    response = await revoke(client, getattr(account, kind), token_type_hint=hint)

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["cache-control"] == "no-store"
    await assert_signed_out(service, account, account.refresh_token)
    news = await fetch_feed(client, after=head["next"], epoch=head["epoch"])
    assert [entry["kind"] for entry in news["entries"]] == ["sid"]
    (event,) = [event for event in await service.audit_events() if event.event == "session.ended"]
    assert (event.subject_id, event.detail["session"]) == (account.id, str(account.session_id))


async def test_a_refresh_token_that_was_used_before_ends_the_session_too(
    service: Service, client: AsyncClient, make_user: MakeUser
) -> None:
    account = await make_user()
    successor = (await refresh(client, account.refresh_token)).json()["refresh_token"]

    await revoke(client, account.refresh_token)

    await assert_signed_out(service, account, successor)


async def test_another_session_of_the_same_person_goes_on(
    service: Service, client: AsyncClient, make_user: MakeUser
) -> None:
    account = await make_user()
    other = await service.sign_in_again(account)

    await revoke(client, account.refresh_token)

    assert (await read_me(service, other.token)).status_code == 200


async def test_ending_it_twice_is_one_ending(client: AsyncClient, make_user: MakeUser) -> None:
    account = await make_user()
    await revoke(client, account.token)
    head = await fetch_feed(client)

    again = await revoke(client, account.refresh_token)

    assert again.status_code == 200
    assert (await fetch_feed(client))["seq"] == head["seq"]


@pytest.mark.parametrize(
    "token",
    ["nonsense", "a.b.c", "AAAAAAAAAAAAAAAAAAAAAA." + "A" * 43, "e30.e30.e30", "x" * 10_000, "\u00e9"],
)
async def test_what_is_no_token_is_gone_already(client: AsyncClient, make_user: MakeUser, token: str) -> None:
    await make_user()

    response = await revoke(client, token)

    assert (response.status_code, response.content) == (200, b"")


async def test_a_forged_token_ends_nothing(service: Service, client: AsyncClient, make_user: MakeUser) -> None:
    account = await make_user()

    await revoke(client, Forger(service, account).sign_with_another_key())

    assert (await read_me(service, account.token)).status_code == 200


@pytest.mark.parametrize("kind", ["token", "refresh_token"])
async def test_a_token_of_another_client_is_refused_and_stays(
    service: Service, client: AsyncClient, make_user: MakeUser, kind: str
) -> None:
    account, other = await make_user(), await service.make_client()

    response = await client.post(
        "/oauth/revoke",
        data={"token": getattr(account, kind)},
        headers=basic(f"{other.client_id}:{other.client_secret}"),
    )

    assert_oauth_error(response, "invalid_grant")
    assert (await read_me(service, account.token)).status_code == 200


async def test_the_client_proves_who_it_is_first(service: Service, client: AsyncClient, make_user: MakeUser) -> None:
    account, other = await make_user(), await service.make_client()

    wrong = await client.post(
        "/oauth/revoke", data={"token": account.token}, headers=basic(f"{other.client_id}:not-the-secret")
    )
    nothing = await client.post("/oauth/revoke", data={"token_type_hint": "access_token"})

    assert_oauth_error(wrong, "invalid_client", status=401)
    assert_oauth_error(nothing, "invalid_request")


async def test_a_token_for_another_audience_can_be_ended(service: Service, client: AsyncClient) -> None:
    made = await service.make_client(
        kind="public", grants=["password"], scopes=["profile:read"], audiences=["https://orders.example.com"]
    )
    account = await service.make_user()
    signed_in = (await service.sign_in(account.email, client_id=made.client_id)).json()

    response = await revoke(client, signed_in["access_token"], client_id=made.client_id)

    assert response.status_code == 200
    assert [session.client_id for session in await service.live_sessions(account)] == ["client_first_party"]
