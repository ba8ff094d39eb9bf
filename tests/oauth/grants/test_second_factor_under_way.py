"""A challenge whose account, client or request is not what it was: the right code gets nothing for it."""

from collections.abc import Awaitable, Callable

import pytest
from httpx import Response

from auth_service.authenticators.models import RecoveryCode
from auth_service.clients.schemas import ClientWithSecret
from tests.support.oauth import assert_oauth_error
from tests.support.second_factor import Protected, code_of, count, enrol, finish, forget_used_codes, stored_totp
from tests.support.service import Account, Service, bearer
from tests.support.sessions import change_client, store_client
from tests.support.settings import ISSUER

ORDERS, BILLING = "https://orders.example.com", "https://billing.example.com"
Change = Callable[[Service, Protected, Account], Awaitable[Response]]


@pytest.fixture
async def ann(service: Service) -> Protected:
    protected = await enrol(service)
    await forget_used_codes(service, protected.account.id)
    return protected


async def _signed_in(service: Service, ann: Protected) -> dict[str, str]:
    token = await ann.begin(service)
    answer = await finish(service, token, recovery_code=ann.recovery_codes[9])
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def _change_password(service: Service, ann: Protected, _admin: Account) -> Response:
    change = {"current_password": ann.account.password, "new_password": "a much better passphrase"}
    return await service.client.put("/users/me/password", json=change, headers=await _signed_in(service, ann))


async def _remove_factor(service: Service, ann: Protected, _admin: Account) -> Response:
    return await service.client.delete("/users/me/totp", headers=await _signed_in(service, ann))


async def _remove_factor_as_administrator(service: Service, ann: Protected, admin: Account) -> Response:
    return await service.client.delete(f"/users/{ann.account.id}/totp", headers=bearer(admin))


async def _replace_factor(service: Service, ann: Protected, admin: Account) -> Response:
    await _remove_factor_as_administrator(service, ann, admin)
    await enrol(service, await service.sign_in_again(ann.account))
    return await service.client.get("/livez")


async def _disable(service: Service, ann: Protected, admin: Account) -> Response:
    return await service.client.patch(f"/users/{ann.account.id}", json={"is_active": False}, headers=bearer(admin))


async def _disable_and_enable(service: Service, ann: Protected, admin: Account) -> Response:
    await _disable(service, ann, admin)
    return await service.client.patch(f"/users/{ann.account.id}", json={"is_active": True}, headers=bearer(admin))


async def _change_address(service: Service, ann: Protected, admin: Account) -> Response:
    change = {"email": "new@example.com"}
    return await service.client.patch(f"/users/{ann.account.id}", json=change, headers=bearer(admin))


async def _delete(service: Service, ann: Protected, admin: Account) -> Response:
    return await service.client.delete(f"/users/{ann.account.id}", headers=bearer(admin))


@pytest.mark.parametrize("proof", ["otp", "recovery_code"])
@pytest.mark.parametrize(
    "change",
    [
        _change_password,
        _remove_factor,
        _remove_factor_as_administrator,
        _replace_factor,
        _disable,
        _disable_and_enable,
        _change_address,
        _delete,
    ],
)
async def test_it_gets_nothing_when_the_account_changed_meanwhile(
    service: Service, ann: Protected, change: Change, proof: str
) -> None:
    admin = await service.make_admin()
    token = await ann.begin(service)
    changed = await change(service, ann, admin)

    code = code_of(ann.secret) if proof == "otp" else ann.recovery_codes[0]
    response = await finish(service, token, **{proof: code})

    assert changed.is_success, changed.text
    assert_oauth_error(response, "invalid_grant")
    assert await service.live_sessions(ann.account) == []


async def test_another_client_gets_nothing_and_costs_no_try(service: Service, ann: Protected) -> None:
    token, other = await ann.begin(service), await store_client(service)

    answers = [await finish(service, token, otp=code_of(ann.secret), client_id=other) for _ in range(6)]

    for answer in answers:
        assert_oauth_error(answer, "invalid_grant")
    assert (await finish(service, token, otp=code_of(ann.secret))).status_code == 200


async def test_a_client_that_was_disabled_gets_nothing(service: Service, ann: Protected) -> None:
    other = await store_client(service)
    token = await ann.begin(service, client_id=other)

    await change_client(service, other, is_active=False)

    response = await finish(service, token, otp=code_of(ann.secret), client_id=other)
    assert_oauth_error(response, "invalid_client", status=401)


@pytest.fixture
async def narrow(service: Service) -> ClientWithSecret:
    return await service.make_client(kind="public", audiences=[BILLING, ORDERS, ISSUER])


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        pytest.param({"scope": "items:read items:write"}, "invalid_scope", id="more scopes"),
        pytest.param({"scope": "profile:read"}, "invalid_scope", id="another scope"),
        pytest.param({"scope": "items:read admin"}, "invalid_scope", id="the administrator's scope"),
        pytest.param({"resource": BILLING}, "invalid_target", id="another resource"),
        pytest.param({"resource": ISSUER}, "invalid_target", id="this service"),
    ],
)
async def test_it_is_not_widened_and_no_code_is_used_up_by_that(
    service: Service, ann: Protected, narrow: ClientWithSecret, asked: dict[str, str], error: str
) -> None:
    known = {"client_id": narrow.client_id}
    token = await ann.begin(service, **known, scope="items:read", resource=ORDERS)

    response = await finish(service, token, otp=code_of(ann.secret), **known, **asked)

    assert_oauth_error(response, error)
    refusals = [event for event in await service.audit_events() if event.outcome == "failure"]
    assert [(event.event, event.detail) for event in refusals] == [("sign_in", {"reason": error})]
    stored = await stored_totp(service, ann.account.id)
    assert stored is not None
    assert stored.last_step == 0
    same = {"scope": "items:read", "resource": ORDERS}
    assert (await finish(service, token, otp=code_of(ann.secret), **known, **same)).status_code == 200


@pytest.mark.parametrize(
    ("lost", "error"),
    [({"scopes": ["profile:read"]}, "invalid_scope"), ({"audiences": [BILLING]}, "invalid_target")],
)
async def test_what_the_client_lost_meanwhile_is_not_given(
    service: Service, ann: Protected, narrow: ClientWithSecret, lost: dict[str, object], error: str
) -> None:
    known = {"client_id": narrow.client_id}
    token = await ann.begin(service, **known, scope="items:read", resource=ORDERS)

    await change_client(service, narrow.client_id, **lost)

    assert_oauth_error(await finish(service, token, recovery_code=ann.recovery_codes[0], **known), error)
    assert await count(service, RecoveryCode) == 10
