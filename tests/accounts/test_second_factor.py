"""How an authenticator app is added and removed: proven, lately signed in, and everybody signed out by it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
from httpx import AsyncClient, Response

from tests.support.camera import scan
from tests.support.second_factor import (
    OFF,
    Protected,
    change_totp,
    code_of,
    confirm,
    enrol,
    finish,
    read_totp,
    recovery_code_digests,
    start_enrolment,
    stored_totp,
    wrong_code,
)
from tests.support.service import Account, Service, assert_problem, bearer
from tests.support.sessions import let_time_pass, next_token
from tests.support.tokens import assert_invalid_token, read_me

RECENT = timedelta(minutes=10)
Act = Callable[[AsyncClient, Account], Awaitable[Response]]


@pytest.fixture
async def ann(service: Service) -> Account:
    return await service.make_user(email="ann@example.com", email_verified=True)


async def test_what_the_picture_says_is_what_an_app_needs(service: Service, ann: Account) -> None:
    response = await service.client.post("/users/me/totp", headers=bearer(ann))

    body = response.json()
    seen = scan(body["qr_code_svg"])
    parts = urlsplit(seen)
    assert seen == body["otpauth_uri"]
    assert (parts.scheme, parts.netloc, unquote(parts.path)) == ("otpauth", "totp", "/auth-service:ann@example.com")
    assert parse_qs(parts.query) == {
        "secret": [body["secret"]],
        "issuer": ["auth-service"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }
    app = pyotp.parse_uri(seen)
    assert isinstance(app, pyotp.TOTP)
    assert app.now() in {code_of(body["secret"]), code_of(body["secret"], steps=1)}
    assert (response.status_code, body["expires_in"], response.headers["cache-control"]) == (201, 900, "no-store")


async def test_an_app_counts_once_it_is_confirmed_and_then_everybody_is_signed_out(
    service: Service, ann: Account
) -> None:
    other = await service.sign_in_again(ann)
    secret = await start_enrolment(service, ann)
    before = [await read_totp(service, ann), (await service.sign_in(ann.email)).status_code]

    response = await confirm(service, ann, code_of(secret))

    codes = response.json()["recovery_codes"]
    assert before == [OFF, 200]
    assert (response.status_code, response.json()) == (200, {"recovery_codes": codes})
    assert len(set(codes)) == 10
    for account in (ann, other):
        assert_invalid_token(await read_me(service, account.token))
    renewed = await Protected(ann, secret, codes).signed_in(service)
    stored = await stored_totp(service, ann.id)
    assert stored is not None
    assert stored.confirmed_at is not None
    read = await read_totp(service, renewed)
    assert read == {**read, "enabled": True, "recovery_codes_left": 10}


async def test_neither_the_seed_nor_a_code_can_be_read_at_rest(service: Service, ann: Account) -> None:
    protected = await enrol(service, ann)
    raw = pyotp.TOTP(protected.secret).byte_secret()

    stored = await stored_totp(service, ann.id)
    digests = await recovery_code_digests(service)

    assert stored is not None
    assert raw not in stored.sealed_seed
    assert protected.secret.encode() not in stored.sealed_seed
    assert service.runtime.seed_box.open(stored.sealed_seed, context=ann.id.bytes) == raw
    assert {len(digest) for digest in digests} == {32}
    assert len(digests) == 10


async def test_somebody_else_s_seed_does_not_open_in_one_s_own_row(service: Service, ann: Account) -> None:
    protected, mine = await enrol(service, ann), await enrol(service)
    foreign = await stored_totp(service, mine.account.id)
    assert foreign is not None

    await change_totp(service, ann.id, sealed_seed=foreign.sealed_seed)
    token = await protected.begin(service)
    response = await finish(service, token, otp=code_of(mine.secret, steps=1))

    assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
    assert (await finish(service, token, recovery_code=protected.recovery_codes[0])).status_code == 200


@pytest.mark.parametrize("wrong", ["code", "expired", "replaced"])
async def test_an_app_that_is_not_proven_does_not_count(service: Service, ann: Account, wrong: str) -> None:
    secret = await start_enrolment(service, ann)
    code = wrong_code(secret) if wrong == "code" else code_of(secret)
    if wrong == "replaced":
        await start_enrolment(service, ann)
    if wrong == "expired":
        stored = await stored_totp(service, ann.id)
        assert stored is not None
        await change_totp(service, ann.id, created_at=stored.created_at - timedelta(minutes=15))

    response = await confirm(service, ann, code)

    assert_problem(response, 403, code="wrong_code")
    assert await read_totp(service, ann) == OFF
    assert (await service.sign_in(ann.email)).status_code == 200
    refused = [event for event in await service.audit_events() if event.outcome == "failure"]
    assert [(event.event, event.subject_id) for event in refused] == [("totp.added", ann.id)]


async def test_nothing_can_be_confirmed_that_was_not_set_up(service: Service, ann: Account) -> None:
    assert_problem(await confirm(service, ann, "123456"), 403, code="wrong_code")


async def test_the_code_that_confirmed_it_signs_nobody_in(service: Service, ann: Account) -> None:
    secret = await start_enrolment(service, ann)
    code = code_of(secret)
    codes = (await confirm(service, ann, code)).json()["recovery_codes"]

    token = await Protected(ann, secret, codes).begin(service)

    assert (await finish(service, token, otp=code)).json()["error"] == "invalid_grant"


async def test_whose_address_is_not_proven_cannot_lock_its_owner_out(service: Service, ann: Account) -> None:
    stranger = await service.make_user(email="bob@example.com")
    admin = await service.make_admin()
    await start_enrolment(service, ann)
    await service.client.patch(f"/users/{ann.id}", json={"email_verified": False}, headers=bearer(admin))
    ann = await service.sign_in_again(ann)

    assert_problem(
        await service.client.post("/users/me/totp", headers=bearer(stranger)), 403, code="email_not_verified"
    )
    assert_problem(await confirm(service, ann, "123456"), 403, code="email_not_verified")
    assert await read_totp(service, stranger) == OFF


async def _enrol(client: AsyncClient, account: Account) -> Response:
    return await client.post("/users/me/totp", headers=bearer(account))


async def _confirm(client: AsyncClient, account: Account) -> Response:
    return await client.post("/users/me/totp/confirm", headers=bearer(account), json={"code": "123456"})


async def _remove(client: AsyncClient, account: Account) -> Response:
    return await client.delete("/users/me/totp", headers=bearer(account))


async def _renew(client: AsyncClient, account: Account) -> Response:
    return await client.post("/users/me/recovery-codes", headers=bearer(account))


async def _remove_as_administrator(client: AsyncClient, account: Account) -> Response:
    return await client.delete(f"/users/{account.id}/totp", headers=bearer(account))


@pytest.mark.parametrize("act", [_enrol, _confirm, _remove, _renew, _remove_as_administrator])
async def test_a_sign_in_that_is_too_long_ago_is_not_enough_however_often_it_was_refreshed(
    service: Service, act: Act
) -> None:
    admin = await service.make_admin(email_verified=True)
    protected = await enrol(service, admin) if act not in {_enrol, _confirm} else None
    caller = await protected.signed_in(service) if protected else admin
    before = await read_totp(service, caller)
    await let_time_pass(service, caller.session_id, RECENT)
    refreshed = replace(caller, refresh_token=await next_token(service, caller.refresh_token))

    response = await act(service.client, refreshed)

    assert_problem(response, 403, code="reauthentication_required")
    assert response.headers["www-authenticate"] == (
        'Bearer realm="auth-service", error="insufficient_user_authentication", max_age="600"'
    )
    assert await read_totp(service, caller) == before


async def test_a_second_app_is_not_added_beside_the_first(service: Service, ann: Account) -> None:
    protected = await enrol(service, ann)
    renewed = await protected.signed_in(service)

    for act in (_enrol, _confirm):
        assert_problem(await act(service.client, renewed), 409, code="totp_enabled")
    assert (await protected.sign_in(service)).status_code == 200
