"""Seeing where an account is signed in, and ending it: one's own, and anybody's for administrators."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlmodel import select

from auth_service.db.clock import database_now
from tests.support.population import store_session
from tests.support.service import Account, Service, assert_problem, bearer
from tests.support.sessions import (
    WINDOW,
    content_of,
    entries_of,
    let_time_pass,
    newest_number,
    next_token,
    refresh,
    revocations_after,
)
from tests.support.statements import watched_statements
from tests.support.tokens import assert_invalid_token, read_me

BROWSER = {"User-Agent": "Mozilla/5.0"}
SCOPES = ["items:read", "items:write", "profile:read", "profile:write"]


@pytest.fixture
async def ann(service: Service) -> Account:
    return await service.make_user()


async def _answer(service: Service, account: Account, caller: Account, path: str = "") -> tuple[int, set[str]]:
    """Return the status, and the ids that are listed."""
    answer = await service.client.get(path or f"/users/{account.id}/sessions", headers=bearer(caller))
    return answer.status_code, {one["id"] for one in answer.json()["data"]}


async def test_one_sees_where_one_is_signed_in_the_session_used_last_first(service: Service, ann: Account) -> None:
    form = {"grant_type": "password", "username": ann.email, "password": ann.password, "scope": "profile:read"}
    await service.client.post("/oauth/token", data=form, headers=BROWSER)
    await let_time_pass(service, ann.session_id, timedelta(hours=1))
    await service.make_user()

    answer = await service.client.get("/users/me/sessions", headers=bearer(ann))

    assert answer.status_code == 200
    newest, oldest = answer.json()["data"]
    assert answer.json() == {"data": [newest, oldest], "next_cursor": None}
    common = {"client_id": "client_first_party", "amr": ["pwd"], "network": "192.0.2.1"}
    moments = ("created_at", "last_used_at", "idle_expires_at", "expires_at")
    assert newest == {
        **common,
        "id": newest["id"],
        "is_current": False,
        "scopes": ["profile:read"],
        "user_agent": "Mozilla/5.0",
        **{name: newest[name] for name in moments},
    }
    assert (oldest["id"], oldest["scopes"], oldest["is_current"]) == (str(ann.session_id), SCOPES, True)
    created, used, idle, absolute = (datetime.fromisoformat(newest[name]) for name in moments)
    assert (used - created, idle - created, absolute - created) == (
        timedelta(0),
        timedelta(days=14),
        timedelta(days=90),
    )
    assert created.utcoffset() == timedelta(0)


async def test_a_refresh_shows_in_the_list(service: Service, ann: Account) -> None:
    await let_time_pass(service, ann.session_id, timedelta(days=1))
    before = (await service.client.get("/users/me/sessions", headers=bearer(ann))).json()["data"][0]

    await next_token(service, ann.refresh_token, user_agent="Mozilla/5.0")

    after = (await service.client.get("/users/me/sessions", headers=bearer(ann))).json()["data"][0]
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"user_agent", "last_used_at", "idle_expires_at"}


@pytest.mark.parametrize("how", ["ended", "expired"])
async def test_what_is_over_is_not_listed(service: Service, ann: Account, how: str) -> None:
    other = await store_session(service, ann.id)
    if how == "ended":
        await service.client.delete(f"/users/me/sessions/{other}", headers=bearer(ann))
    else:
        await let_time_pass(service, other, timedelta(days=14))

    assert await _answer(service, ann, ann, "/users/me/sessions") == (200, {str(ann.session_id)})


async def test_ending_a_session_ends_this_one_and_no_other(service: Service, ann: Account) -> None:
    phone = await service.sign_in_again(ann)
    since = await newest_number(service)

    answer = await service.client.delete(f"/users/me/sessions/{phone.session_id}", headers=bearer(ann))

    assert (answer.status_code, answer.content) == (204, b"")
    assert_invalid_token(await read_me(service, phone.token))
    assert (await refresh(service, phone.refresh_token)).json()["error"] == "invalid_grant"
    assert (await read_me(service, ann.token)).status_code == 200
    assert content_of(await revocations_after(service, since)) == entries_of(phone.session_id)


async def test_ending_the_session_that_calls_signs_out(service: Service, ann: Account) -> None:
    answer = await service.client.delete(f"/users/me/sessions/{ann.session_id}", headers=bearer(ann))

    assert answer.status_code == 204
    assert_invalid_token(await read_me(service, ann.token))


async def test_ending_the_others_leaves_the_one_that_calls(service: Service, ann: Account) -> None:
    others = [await service.sign_in_again(ann) for _ in range(3)]
    stranger = await service.make_user()
    since = await newest_number(service)

    answer = await service.client.post("/users/me/sessions/end-others", headers=bearer(ann))

    assert (answer.status_code, answer.content) == (204, b"")
    assert [(await read_me(service, one.token)).status_code for one in (ann, stranger, *others)] == [200, 200] + [
        401
    ] * 3
    entries = await revocations_after(service, since)
    assert content_of(entries) == entries_of(*(one.session_id for one in others))
    assert [one.seq for one in entries] == [since + 1, since + 2, since + 3]


@pytest.mark.parametrize("whose", ["missing", "somebody else's", "ended already"])
async def test_only_a_session_of_one_s_own_that_goes_on_can_be_ended(
    service: Service, ann: Account, whose: str
) -> None:
    stranger = await service.make_user()
    session_id = {"missing": uuid4(), "somebody else's": stranger.session_id}.get(whose)
    if session_id is None:
        session_id = await store_session(service, ann.id)
        await service.client.delete(f"/users/me/sessions/{session_id}", headers=bearer(ann))
    since = await newest_number(service)

    answer = await service.client.delete(f"/users/me/sessions/{session_id}", headers=bearer(ann))

    assert_problem(answer, 404, code="session_not_found")
    assert await newest_number(service) == since
    assert (await read_me(service, stranger.token)).status_code == 200


async def test_an_administrator_sees_and_ends_anybody_s_sessions(service: Service, ann: Account) -> None:
    admin, phone = await service.make_admin(), await service.sign_in_again(ann)
    since = await newest_number(service)

    listed = await _answer(service, ann, admin)
    ended = await service.client.delete(f"/users/{ann.id}/sessions/{phone.session_id}", headers=bearer(admin))
    left = await _answer(service, ann, admin)
    all_ended = await service.client.post(f"/users/{ann.id}/sessions/end-all", headers=bearer(admin))

    assert listed == (200, {str(ann.session_id), str(phone.session_id)})
    assert left == (200, {str(ann.session_id)})
    assert [ended.status_code, all_ended.status_code] == [204, 204]
    assert await _answer(service, ann, admin) == (200, set())
    for one in (ann, phone):
        assert_invalid_token(await read_me(service, one.token))
    assert len(await revocations_after(service, since)) == 2
    assert (await read_me(service, admin.token)).status_code == 200


async def test_an_administrator_ends_a_session_at_its_own_account_only(service: Service, ann: Account) -> None:
    admin, stranger = await service.make_admin(), await service.make_user()

    wrong = await service.client.delete(f"/users/{stranger.id}/sessions/{ann.session_id}", headers=bearer(admin))

    assert_problem(wrong, 404, code="session_not_found")
    assert (await read_me(service, ann.token)).status_code == 200


async def test_ending_sessions_is_audited(service: Service, ann: Account) -> None:
    admin, other = await service.make_admin(), await store_session(service, ann.id)

    await service.client.delete(f"/users/me/sessions/{other}", headers=bearer(ann))
    await service.client.post("/users/me/sessions/end-others", headers=bearer(ann))
    await service.client.post(f"/users/{ann.id}/sessions/end-all", headers=bearer(admin))

    events = [one for one in await service.audit_events() if one.event == "session.ended"]
    assert [(one.actor_id, one.subject_id, one.outcome, one.detail) for one in events] == [
        (ann.id, ann.id, "success", {"session": str(other)}),
        (ann.id, ann.id, "success", {"count": 0}),
        (admin.id, ann.id, "success", {"count": 1}),
    ]


async def test_a_guard_asks_the_database_one_thing(service: Service, ann: Account) -> None:
    with watched_statements(service) as statements:
        answer = await read_me(service, ann.token)

    assert answer.status_code == 200
    assert len(statements) == 1, statements
    assert {"sessions", "users", "oauth_clients"} <= set(statements[0].text.split())


async def test_the_database_s_clock_is_an_aware_moment_that_goes_on(service: Service) -> None:
    async with service.runtime.database.transaction(writing=False) as session:
        one = (await session.exec(select(database_now()))).one()
        other = (await session.exec(select(database_now()))).one()

    assert one.utcoffset() == timedelta(0)
    assert one <= other < one + WINDOW
