"""The refresh token grant, rule by rule: what goes on, what is given once more, and what ends the session."""

import pytest
from structlog.testing import capture_logs

from auth_service.tokens.refresh_token import RefreshToken
from tests.support.forgery import read_segment
from tests.support.oauth import assert_oauth_error
from tests.support.service import Account, Service
from tests.support.sessions import (
    WINDOW,
    content_of,
    entries_of,
    is_alive,
    let_time_pass,
    newest_number,
    next_token,
    refresh,
    refresh_events,
    revocations_after,
    session_row,
)
from tests.support.tokens import read_me


@pytest.fixture
async def ann(service: Service) -> Account:
    return await service.make_user()


async def _assert_ended(service: Service, account: Account, since: int, reason: str) -> None:
    """Expect the end of the session together with its feed entry and its audit event."""
    assert not await is_alive(service, account.session_id)
    assert content_of(await revocations_after(service, since)) == entries_of(account.session_id)
    session = {"session": str(account.session_id)}
    assert (await refresh_events(service))[-1] == ("refresh.reused", "success", {**session, "reason": reason})


async def _assert_stays(service: Service, account: Account, since: int, newest: str) -> None:
    """Expect that the session goes on with the newest token."""
    assert await is_alive(service, account.session_id)
    assert await revocations_after(service, since) == []
    assert (await refresh(service, newest)).status_code == 200


async def test_a_refresh_gives_new_tokens_of_the_same_session(service: Service, ann: Account) -> None:
    before = await session_row(service, ann.session_id)

    answer = await refresh(service, ann.refresh_token)

    tokens = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert tokens == {
        "access_token": tokens["access_token"],
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "items:read items:write profile:read profile:write",
        "refresh_token": tokens["refresh_token"],
    }
    assert tokens["refresh_token"] != ann.refresh_token
    assert (await read_me(service, tokens["access_token"])).json()["id"] == str(ann.id)
    after = await session_row(service, ann.session_id)
    assert after.last_used_at >= before.last_used_at
    assert after.idle_expires_at >= before.idle_expires_at
    assert (after.expires_at, after.created_at) == (before.expires_at, before.created_at)
    assert await refresh_events(service) == []


async def test_the_new_access_token_says_what_the_first_one_said_and_nothing_of_the_person(
    service: Service, ann: Account
) -> None:
    refreshed = (await refresh(service, ann.refresh_token)).json()["access_token"]

    first, second = read_segment(ann.token, 1), read_segment(refreshed, 1)
    changing = {"iat", "exp", "jti"}
    assert {name: value for name, value in second.items() if name not in changing} == {
        name: value for name, value in first.items() if name not in changing
    }
    assert first["jti"] != second["jti"]
    assert ann.email not in str(second)


async def test_a_chain_of_refreshes_goes_on_and_on(service: Service, ann: Account) -> None:
    seen = [ann.refresh_token]

    for _ in range(5):
        seen.append(await next_token(service, seen[-1]))
        await let_time_pass(service, ann.session_id, 2 * WINDOW)

    assert len(set(seen)) == 6
    assert len({token.partition(".")[0] for token in seen}) == 1
    assert await is_alive(service, ann.session_id)


async def test_a_replay_in_the_window_gives_the_same_successor_and_is_audited(service: Service, ann: Account) -> None:
    successor = await next_token(service, ann.refresh_token)
    rotated = await session_row(service, ann.session_id)

    again = [await next_token(service, ann.refresh_token) for _ in range(3)]

    assert again == [successor] * 3
    assert await session_row(service, ann.session_id) == rotated
    replay = {"session": str(ann.session_id)}
    assert await refresh_events(service) == [("refresh.replayed", "success", replay)] * 3


async def test_a_replay_never_restarts_the_window(service: Service, ann: Account) -> None:
    since = await newest_number(service)
    successor = await next_token(service, ann.refresh_token)
    await let_time_pass(service, ann.session_id, WINDOW * 0.6)
    assert await next_token(service, ann.refresh_token) == successor
    await let_time_pass(service, ann.session_id, WINDOW * 0.6)

    late = await refresh(service, ann.refresh_token)

    assert_oauth_error(late, "invalid_grant")
    await _assert_ended(service, ann, since, "used_before")
    assert_oauth_error(await refresh(service, successor), "invalid_grant")


async def test_a_replay_after_the_window_ends_the_session(service: Service, ann: Account) -> None:
    since = await newest_number(service)
    answer = (await refresh(service, ann.refresh_token)).json()
    await let_time_pass(service, ann.session_id, WINDOW)

    with capture_logs() as logs:
        late = await refresh(service, ann.refresh_token)

    assert_oauth_error(late, "invalid_grant")
    await _assert_ended(service, ann, since, "used_before")
    assert_oauth_error(await refresh(service, answer["refresh_token"]), "invalid_grant")
    assert (await read_me(service, answer["access_token"])).status_code == 401
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["refresh_token.reused"]


async def test_a_replay_by_another_user_agent_ends_the_session(service: Service, ann: Account) -> None:
    since = await newest_number(service)
    successor = await next_token(service, ann.refresh_token)

    stolen = await refresh(service, ann.refresh_token, user_agent="another")

    assert_oauth_error(stolen, "invalid_grant")
    await _assert_ended(service, ann, since, "used_before")
    assert_oauth_error(await refresh(service, successor), "invalid_grant")


async def test_a_user_agent_may_change_between_two_refreshes(service: Service, ann: Account) -> None:
    successor = await next_token(service, ann.refresh_token)

    answer = await refresh(service, successor, user_agent="the next version " + "x" * 300)

    assert answer.status_code == 200
    assert str((await session_row(service, ann.session_id)).user_agent).startswith("the next version")
    assert (await refresh(service, successor, user_agent="the next version " + "x" * 300)).json()[
        "refresh_token"
    ] == answer.json()["refresh_token"]


async def test_once_the_successor_is_used_a_replay_gets_nothing_and_the_session_stays(
    service: Service, ann: Account
) -> None:
    since = await newest_number(service)
    newest = await next_token(service, await next_token(service, ann.refresh_token))

    replay = await refresh(service, ann.refresh_token)

    assert_oauth_error(replay, "invalid_grant")
    assert (await refresh_events(service))[-1] == (
        "refresh",
        "failure",
        {"reason": "successor_used"},
    )
    await _assert_stays(service, ann, since, newest)


async def test_the_token_before_the_last_one_ends_the_session_after_the_window(service: Service, ann: Account) -> None:
    since = await newest_number(service)
    await next_token(service, await next_token(service, ann.refresh_token))
    await let_time_pass(service, ann.session_id, WINDOW)

    late = await refresh(service, ann.refresh_token)

    assert_oauth_error(late, "invalid_grant")
    await _assert_ended(service, ann, since, "not_of_this_session")


@pytest.mark.parametrize("rotations", [0, 1, 3])
async def test_any_other_secret_under_a_known_locator_ends_the_session(
    service: Service, ann: Account, rotations: int
) -> None:
    since = await newest_number(service)
    newest = ann.refresh_token
    for _ in range(rotations):
        newest = await next_token(service, newest)
    guess = RefreshToken(ann.refresh_token.partition(".")[0], b"a guess, of just thirty-two byte")

    answer = await refresh(service, guess.encode())

    assert_oauth_error(answer, "invalid_grant")
    await _assert_ended(service, ann, since, "not_of_this_session")
    assert_oauth_error(await refresh(service, newest), "invalid_grant")


async def test_of_many_reuses_one_ends_the_session_and_the_others_find_it_ended(service: Service, ann: Account) -> None:
    since = await newest_number(service)
    await next_token(service, ann.refresh_token)
    await let_time_pass(service, ann.session_id, WINDOW)

    for _ in range(3):
        assert_oauth_error(await refresh(service, ann.refresh_token), "invalid_grant")

    assert len(await revocations_after(service, since)) == 1
    outcomes = [(event, detail["reason"]) for event, _, detail in await refresh_events(service)]
    assert outcomes == [("refresh.reused", "used_before"), *[("refresh", "session_ended")] * 2]
