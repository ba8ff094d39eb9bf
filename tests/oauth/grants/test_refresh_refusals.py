"""What a refresh is refused for without ending the session, and what it may be narrowed to."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from auth_service.tokens.refresh_token import RefreshToken
from tests.support.forgery import read_segment
from tests.support.oauth import assert_oauth_error
from tests.support.refresh_tokens import MALFORMED
from tests.support.service import Account, Service, bearer, running_service
from tests.support.sessions import (
    WINDOW,
    change_session,
    is_alive,
    let_time_pass,
    newest_number,
    next_token,
    refresh,
    refresh_events,
    revocations_after,
    session_row,
    store_client,
)
from tests.support.settings import ISSUER, make_settings

ORDERS = "https://orders.example.com"
EVERYTHING = "items:read items:write profile:read profile:write"


@pytest.fixture
async def ann(service: Service) -> Account:
    return await service.make_user()


@pytest.fixture
async def two_audiences(migrated_database: str) -> AsyncIterator[Service]:
    settings = make_settings(migrated_database, tokens={"issuer": ISSUER, "shared_audiences": ORDERS})
    async with running_service(settings) as service:
        yield service


async def test_what_is_no_refresh_token_is_refused(service: Service, ann: Account) -> None:
    texts = {**MALFORMED, "an access token": ann.token, "a locator that nobody has": RefreshToken.generate().encode()}

    with capture_logs() as logs:
        answers = {name: await refresh(service, text) for name, text in texts.items() if text}

    for name, answer in answers.items():
        assert_oauth_error(answer, "invalid_request" if name == "NUL" else "invalid_grant")
    assert_oauth_error(await refresh(service, ""), "invalid_request")
    assert await refresh_events(service) == []
    assert {line["event"] for line in logs} == {"refresh_token.refused"}
    assert {line["reason"] for line in logs} == {"malformed", "no_such_session"}


async def test_another_client_gets_nothing_and_the_session_stays(service: Service, ann: Account) -> None:
    since = await newest_number(service)
    await change_session(service, ann.session_id, client_id=await store_client(service))

    answer = await refresh(service, ann.refresh_token)

    assert_oauth_error(answer, "invalid_grant")
    refusal = {"reason": "another_client"}
    assert await refresh_events(service) == [("refresh", "failure", refusal)]
    assert await is_alive(service, ann.session_id)
    assert await revocations_after(service, since) == []
    await change_session(service, ann.session_id, client_id="client_first_party")
    assert (await refresh(service, ann.refresh_token)).status_code == 200


@pytest.mark.parametrize(
    ("refreshes", "passed"),
    [
        pytest.param(0, timedelta(days=14), id="idle for too long"),
        pytest.param(6, timedelta(days=13), id="used again and again until its absolute end"),
    ],
)
async def test_an_expired_session_gets_nothing(
    service: Service, ann: Account, refreshes: int, passed: timedelta
) -> None:
    newest = ann.refresh_token
    for _ in range(refreshes):
        await let_time_pass(service, ann.session_id, passed)
        newest = await next_token(service, newest)
    await let_time_pass(service, ann.session_id, passed)

    late = await refresh(service, newest)

    assert_oauth_error(late, "invalid_grant")
    reasons = [detail["reason"] for _, outcome, detail in await refresh_events(service) if outcome == "failure"]
    assert reasons == ["session_expired"]


async def test_a_session_that_was_ended_gets_nothing(service: Service, ann: Account) -> None:
    await service.client.delete(f"/users/me/sessions/{ann.session_id}", headers=bearer(ann))

    answer = await refresh(service, ann.refresh_token)

    assert_oauth_error(answer, "invalid_grant")
    refusal = {"reason": "session_ended"}
    assert await refresh_events(service) == [("refresh", "failure", refusal)]


@pytest.mark.parametrize("left", [timedelta(seconds=100), timedelta(seconds=1, milliseconds=500)])
@pytest.mark.parametrize("end", ["expires_at", "idle_expires_at"])
async def test_an_access_token_never_outlives_its_session(
    service: Service, ann: Account, end: str, left: timedelta
) -> None:
    """A replay does not prolong the session, so its idle end counts too; a rotation moves that one away."""
    await next_token(service, ann.refresh_token)
    row = await session_row(service, ann.session_id)
    moment = row.last_used_at + left
    both = {"idle_expires_at": moment, **({"expires_at": moment} if end == "expires_at" else {})}
    await change_session(service, ann.session_id, **both)

    replay = (await refresh(service, ann.refresh_token)).json()

    claims = read_segment(replay["access_token"], 1)
    assert claims["exp"] <= moment.timestamp()
    assert claims["exp"] - claims["iat"] == replay["expires_in"]
    rotated = (await refresh(service, replay["refresh_token"])).json()
    assert (rotated["expires_in"] == 600) is (end == "idle_expires_at")


async def test_with_a_window_of_nothing_a_replay_ends_the_session(migrated_database: str) -> None:
    settings = make_settings(migrated_database, tokens={"issuer": ISSUER, "refresh_replay_window": "PT0S"})
    async with running_service(settings) as service:
        ann = await service.make_user()
        second = await next_token(service, ann.refresh_token)
        third = await next_token(service, second)

        answer = await refresh(service, second)

        assert_oauth_error(answer, "invalid_grant")
        assert not await is_alive(service, ann.session_id)
        assert_oauth_error(await refresh(service, third), "invalid_grant")


async def test_a_refresh_narrows_and_a_later_one_gets_back_what_the_session_has(service: Service, ann: Account) -> None:
    narrowed = (await refresh(service, ann.refresh_token, scope="profile:read")).json()
    whole = (await refresh(service, narrowed["refresh_token"])).json()

    assert (narrowed["scope"], whole["scope"]) == ("profile:read", EVERYTHING)
    assert read_segment(narrowed["access_token"], 1)["scope"] == "profile:read"


@pytest.mark.parametrize("scope", ["items:read", "profile:read items:read", "admin", "profile:read admin", "unknown"])
async def test_a_refresh_never_widens_and_what_it_refuses_is_not_used_up(service: Service, scope: str) -> None:
    admin = await service.sign_in_again(await service.make_admin(), scope="profile:read profile:write")

    answer = await refresh(service, admin.refresh_token, scope=scope)

    assert_oauth_error(answer, "invalid_scope")
    recorded = [("refresh", "failure", {"reason": "invalid_scope"})] if scope != "unknown" else []
    assert await refresh_events(service) == recorded
    assert (await session_row(service, admin.session_id)).rotated_at is None
    successor = (await refresh(service, admin.refresh_token)).json()
    assert successor["scope"] == "profile:read profile:write"


@pytest.mark.parametrize("more", [{"scope": "admin"}, {"resource": ISSUER}], ids=["scope", "resource"])
async def test_a_token_that_was_used_ends_the_session_whatever_else_is_wrong(
    two_audiences: Service, more: dict[str, str]
) -> None:
    ann = await two_audiences.sign_in_again(await two_audiences.make_user(), resource=ORDERS)
    await next_token(two_audiences, ann.refresh_token)
    await let_time_pass(two_audiences, ann.session_id, WINDOW)

    answer = await refresh(two_audiences, ann.refresh_token, **more)

    assert_oauth_error(answer, "invalid_grant")
    assert not await is_alive(two_audiences, ann.session_id)


async def test_an_administrator_has_the_admin_scope_still(service: Service) -> None:
    admin = await service.make_admin()

    answer = (await refresh(service, admin.refresh_token)).json()

    assert answer["scope"] == f"admin {EVERYTHING}"
    assert read_segment(answer["access_token"], 1)["roles"] == ["admin"]


async def test_a_resource_narrows_the_audience_of_one_access_token(two_audiences: Service) -> None:
    ann = await two_audiences.make_user()

    narrowed = (await refresh(two_audiences, ann.refresh_token, resource=ORDERS)).json()
    whole = (await refresh(two_audiences, narrowed["refresh_token"])).json()

    assert read_segment(narrowed["access_token"], 1)["aud"] == [ORDERS]
    assert read_segment(whole["access_token"], 1)["aud"] == [ISSUER, ORDERS]


@pytest.mark.parametrize("resource", [ISSUER, "https://unknown.example.com"])
async def test_a_resource_never_widens_and_what_it_refuses_is_not_used_up(
    two_audiences: Service, resource: str
) -> None:
    ann = await two_audiences.make_user()
    ann = await two_audiences.sign_in_again(ann, resource=ORDERS)

    answer = await refresh(two_audiences, ann.refresh_token, resource=resource)

    assert_oauth_error(answer, "invalid_target")
    assert (await session_row(two_audiences, ann.session_id)).rotated_at is None
    successor = (await refresh(two_audiences, ann.refresh_token)).json()
    assert read_segment(successor["access_token"], 1)["aud"] == [ORDERS]
    assert (await refresh(two_audiences, successor["refresh_token"])).status_code == 200
