"""A sign-in with two factors, seen from outside: what is asked for, what is given, and what a wrong code gets."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from auth_service.authenticators.models import RecoveryCode
from auth_service.authenticators.totp import STEP_SECONDS
from auth_service.oauth.models import SignInChallenge
from tests.support.forgery import read_segment
from tests.support.oauth import assert_oauth_error
from tests.support.second_factor import (
    GRANT_TYPE,
    MFA_REQUIRED,
    Protected,
    code_of,
    count,
    enrol,
    finish,
    forget_used_codes,
    let_challenges_age,
    wrong_code,
)
from tests.support.service import Service, bearer, running_service
from tests.support.sessions import refresh
from tests.support.settings import ISSUER, make_settings
from tests.support.tokens import read_me

AUDIENCE = "https://orders.example.com"


@pytest.fixture
async def ann(service: Service) -> Protected:
    protected = await enrol(service)
    await forget_used_codes(service, protected.account.id)
    return protected


async def test_the_password_alone_opens_no_session(service: Service, ann: Protected) -> None:
    before = await service.stored_user(ann.account.id)

    response = await service.sign_in(ann.account.email)

    body = response.json()
    assert (response.status_code, body) == (400, {**MFA_REQUIRED, "mfa_token": body["mfa_token"]})
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
    assert await service.live_sessions(ann.account) == []
    after = await service.stored_user(ann.account.id)
    assert before is not None
    assert after is not None
    assert after.last_login_at == before.last_login_at
    assert (await service.sign_in(ann.account.email, "not it")).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(("with_", "amr"), [("otp", ["pwd", "otp", "mfa"]), ("recovery_code", ["pwd", "mfa"])])
async def test_both_together_give_tokens_that_say_so_also_when_they_are_refreshed(
    service: Service, ann: Protected, with_: str, amr: list[str]
) -> None:
    token = await ann.begin(service)
    proof = code_of(ann.secret) if with_ == "otp" else ann.recovery_codes[3].upper()

    response = await finish(service, token, **{with_: proof})

    answer = response.json()
    claims = read_segment(answer["access_token"], 1)
    assert response.status_code == 200
    assert (claims["amr"], claims["acr"], claims["sub"]) == (amr, "aal2", str(ann.account.id))
    assert abs(claims["iat"] - claims["auth_time"]) <= 1  # the process says one, the database the other
    refreshed = (await refresh(service, answer["refresh_token"])).json()
    renewed = read_segment(refreshed["access_token"], 1)
    assert {name: renewed[name] for name in ("amr", "acr", "auth_time", "sid")} == {
        name: claims[name] for name in ("amr", "acr", "auth_time", "sid")
    }
    headers = {"Authorization": f"Bearer {refreshed['access_token']}"}
    sessions = (await service.client.get("/users/me/sessions", headers=headers)).json()["data"]
    assert [session["amr"] for session in sessions] == [amr]


async def test_introspection_tells_a_service_how_sure_it_may_be(service: Service, ann: Protected) -> None:
    gateway = await service.make_client(own_audience=ISSUER, grants=[])
    token = (await ann.sign_in(service)).json()["access_token"]

    asked = {"token": token, "client_id": gateway.client_id, "client_secret": gateway.client_secret or ""}
    known = (await service.client.post("/oauth/introspect", data=asked)).json()

    assert (known["amr"], known["acr"]) == (["pwd", "otp", "mfa"], "aal2")


async def test_scope_and_resource_are_those_that_the_password_came_with(service: Service, ann: Protected) -> None:
    client = await service.make_client(kind="public", audiences=[AUDIENCE, ISSUER])
    asked = {"client_id": client.client_id, "scope": "items:read", "resource": AUDIENCE}
    token = await ann.begin(service, **asked)

    response = await finish(service, token, otp=code_of(ann.secret), client_id=client.client_id)

    claims = read_segment(response.json()["access_token"], 1)
    assert (claims["scope"], claims["aud"], claims["client_id"]) == ("items:read", [AUDIENCE], client.client_id)


@pytest.mark.parametrize("steps", [-2, -1, 0, 1, 2])
async def test_a_phone_s_clock_may_be_one_step_wrong(
    service: Service, ann: Protected, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    middle = int(datetime.now(UTC).timestamp()) // STEP_SECONDS * STEP_SECONDS + STEP_SECONDS // 2
    code = code_of(ann.secret)
    phone_ahead_of_the_service = datetime.fromtimestamp(middle - steps * STEP_SECONDS, UTC)
    token = await ann.begin(service)

    monkeypatch.setattr(service.runtime, "clock", lambda: phone_ahead_of_the_service)
    response = await finish(service, token, otp=code)

    assert response.status_code == (200 if abs(steps) <= 1 else 400), response.text


async def test_no_code_is_good_twice_nor_is_an_older_one(service: Service, ann: Protected) -> None:
    codes = [code_of(ann.secret, steps=steps) for steps in (0, 0, -1)]

    answers = [await finish(service, await ann.begin(service), otp=code) for code in codes]

    assert [answer.status_code for answer in answers] == [200, 400, 400]
    refused = [event.detail["reason"] for event in await service.audit_events() if event.outcome == "failure"]
    assert refused == ["wrong_otp", "wrong_otp"]


async def test_a_recovery_code_is_good_once_and_for_its_own_account(service: Service, ann: Protected) -> None:
    other = await enrol(service)
    code = ann.recovery_codes[0]

    stolen = await finish(service, await other.begin(service), recovery_code=code)
    used = await finish(service, await ann.begin(service), recovery_code=code)
    again = await finish(service, await ann.begin(service), recovery_code=code)

    assert [answer.status_code for answer in (stolen, used, again)] == [400, 200, 400]
    events = [one for one in await service.audit_events() if one.event == "recovery_code.used"]
    assert [(one.outcome, one.subject_id) for one in events] == [("success", ann.account.id)]
    left = await service.client.get(
        "/users/me/totp", headers={"Authorization": f"Bearer {used.json()['access_token']}"}
    )
    assert left.json()["recovery_codes_left"] == 9
    assert await count(service, RecoveryCode) == 19


async def test_a_challenge_is_good_once(service: Service, ann: Protected) -> None:
    token = await ann.begin(service)

    used = await finish(service, token, otp=code_of(ann.secret))
    again = await finish(service, token, recovery_code=ann.recovery_codes[0])

    assert used.status_code == 200
    assert_oauth_error(again, "invalid_grant")
    assert await count(service, RecoveryCode) == 10


async def test_after_five_wrong_codes_a_challenge_is_gone_and_another_one_is_not(
    service: Service, ann: Protected
) -> None:
    token, other = await ann.begin(service), await ann.begin(service)

    wrong = [await finish(service, token, otp=wrong_code(ann.secret)) for _ in range(5)]
    right = await finish(service, token, otp=code_of(ann.secret))

    for answer in (*wrong, right):
        assert_oauth_error(answer, "invalid_grant")
    events = [event for event in await service.audit_events() if event.outcome == "failure"]
    assert [(event.event, event.subject_id, event.detail) for event in events] == [
        ("sign_in", ann.account.id, {"reason": "wrong_otp"})
    ] * 5
    assert (await finish(service, other, otp=code_of(ann.secret))).status_code == 200


async def test_the_fifth_try_is_good(service: Service, ann: Protected) -> None:
    token = await ann.begin(service)
    for _ in range(4):
        await finish(service, token, otp=wrong_code(ann.secret))

    assert (await finish(service, token, otp=code_of(ann.secret))).status_code == 200


async def test_a_challenge_expires_by_its_own_time_and_is_removed_later(service: Service, ann: Protected) -> None:
    token = await ann.begin(service)

    await let_challenges_age(service, timedelta(minutes=4, seconds=50))
    await service.runtime.forget_what_is_over()
    kept = await count(service, SignInChallenge)
    await let_challenges_age(service, timedelta(seconds=10))
    late = await finish(service, token, otp=code_of(ann.secret))
    still_there = await count(service, SignInChallenge)
    await service.runtime.forget_what_is_over()

    assert_oauth_error(late, "invalid_grant")
    assert [kept, still_there, await count(service, SignInChallenge)] == [1, 1, 0]


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({}, id="neither"),
        pytest.param({"otp": "123456", "recovery_code": "k3vn-7qpa-x2ml-5tcw"}, id="both"),
        pytest.param({"mfa_token": "", "otp": "123456"}, id="no challenge"),
        pytest.param({"otp": ""}, id="an empty code"),
    ],
)
async def test_a_request_without_one_challenge_and_one_code_costs_no_try(
    service: Service, ann: Protected, form: dict[str, str]
) -> None:
    token = await ann.begin(service)

    for _ in range(6):
        response = await service.client.post(
            "/oauth/token", data={"grant_type": GRANT_TYPE, "mfa_token": token, **form}
        )
        assert_oauth_error(response, "invalid_request")

    assert (await finish(service, token, otp=code_of(ann.secret))).status_code == 200


async def test_where_the_password_grant_is_off_so_is_this_one(migrated_database: str) -> None:
    settings = make_settings(migrated_database, oauth={"password_grant": False})

    async with running_service(settings) as without:
        response = await finish(without, "mfa_x", otp="123456")
        metadata = (await without.client.get("/.well-known/oauth-authorization-server")).json()

    assert_oauth_error(response, "unsupported_grant_type")
    assert GRANT_TYPE not in metadata["grant_types_supported"]


async def test_a_client_without_the_password_grant_is_refused(service: Service, ann: Protected) -> None:
    client = await service.make_client(kind="public", grants=["refresh_token"])

    response = await finish(service, await ann.begin(service), otp=code_of(ann.secret), client_id=client.client_id)

    assert_oauth_error(response, "unauthorized_client")


async def test_a_new_password_is_not_enough_either(service: Service, ann: Protected) -> None:
    token = (await ann.sign_in(service)).json()["access_token"]
    change = {"current_password": ann.account.password, "new_password": "a much better passphrase"}
    headers = {"Authorization": f"Bearer {token}"}

    changed = await service.client.put("/users/me/password", json=change, headers=headers)
    response = await service.sign_in(ann.account.email, change["new_password"])

    assert (changed.status_code, response.json()["error"]) == (204, "mfa_required")


async def test_an_account_without_an_app_signs_in_as_before(service: Service) -> None:
    account = await service.make_user()

    claims = read_segment(account.token, 1)

    assert (claims["amr"], claims["acr"]) == (["pwd"], "aal1")
    assert (await read_me(service, account.token)).status_code == 200
    assert (await service.client.get("/users/me/totp", headers=bearer(account))).json()["enabled"] is False


async def test_of_two_codes_for_one_challenge_at_once_one_is_used_and_the_other_stays_good(
    service: Service, ann: Protected
) -> None:
    token = await ann.begin(service)
    codes = ann.recovery_codes[:2]

    answers = await asyncio.gather(*(finish(service, token, recovery_code=code) for code in codes))

    assert sorted(answer.status_code for answer in answers) == [200, 400]
    assert await count(service, RecoveryCode) == len(ann.recovery_codes) - 1
