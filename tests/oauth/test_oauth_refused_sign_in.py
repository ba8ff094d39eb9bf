"""That nobody learns from the token endpoint why a sign-in was refused."""

from collections.abc import Awaitable, Callable

import pytest
from httpx import Response

from tests.support.hashes import store_hash, watched_comparisons
from tests.support.oauth import assert_oauth_error
from tests.support.service import PASSWORD, Account, Service, bearer

WRONG = "not the password of anybody"
Attempt = Callable[[Service, Account], Awaitable[Response]]


async def _disable(service: Service, account: Account, admin: Account) -> None:
    answer = await service.client.patch(f"/users/{account.id}", json={"is_active": False}, headers=bearer(admin))
    assert answer.status_code == 200


async def _delete(service: Service, account: Account, admin: Account) -> None:
    answer = await service.client.delete(f"/users/{account.id}", headers=bearer(admin))
    assert answer.status_code == 204


async def _wrong_password(service: Service, account: Account) -> Response:
    return await service.sign_in(account.email, WRONG)


async def _password_in_another_case(service: Service, account: Account) -> Response:
    return await service.sign_in(account.email, PASSWORD.upper())


async def _password_with_a_space(service: Service, account: Account) -> Response:
    return await service.sign_in(account.email, f"{PASSWORD} ")


async def _unknown_address(service: Service, _account: Account) -> Response:
    return await service.sign_in("nobody@example.com")


async def _unknown_username(service: Service, _account: Account) -> Response:
    return await service.sign_in("nobody")


async def _malformed_address(service: Service, _account: Account) -> Response:
    return await service.sign_in("@@example..com")


async def _hostile_username(service: Service, _account: Account) -> Response:
    return await service.sign_in("' OR '1'='1' --")


async def _disabled(service: Service, account: Account) -> Response:
    await _disable(service, account, await service.make_admin())
    return await service.sign_in(account.email)


async def _deleted(service: Service, account: Account) -> Response:
    await _delete(service, account, await service.make_admin())
    return await service.sign_in(account.email)


async def _no_password(service: Service, _account: Account) -> Response:
    invited = await service.make_user(password=None)
    return await service.sign_in(invited.email)


def _stored(password_hash: str) -> Attempt:
    async def attempt(service: Service, account: Account) -> Response:
        await store_hash(service, account, password_hash)
        return await service.sign_in(account.email)

    return attempt


ATTEMPTS: dict[str, tuple[Attempt, str]] = {
    "wrong password": (_wrong_password, "wrong_password"),
    "password in another case": (_password_in_another_case, "wrong_password"),
    "password and a space": (_password_with_a_space, "wrong_password"),
    "unknown address": (_unknown_address, "unknown_account"),
    "unknown username": (_unknown_username, "unknown_account"),
    "malformed address": (_malformed_address, "unknown_account"),
    "hostile username": (_hostile_username, "unknown_account"),
    "disabled account": (_disabled, "disabled"),
    "deleted account": (_deleted, "unknown_account"),
    "account without a password": (_no_password, "wrong_password"),
    "empty hash": (_stored(""), "wrong_password"),
    "hash of a locked account": (_stored("!"), "wrong_password"),
    "hash of an unknown scheme": (_stored("$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn"), "wrong_password"),
    "hash cut off": (_stored("$argon2id$v=19$m=8,t=1,p=1$"), "wrong_password"),
    "password stored in the clear": (_stored(PASSWORD), "wrong_password"),
}


@pytest.mark.parametrize(("attempt", "reason"), [pytest.param(*row, id=name) for name, row in ATTEMPTS.items()])
async def test_every_refused_sign_in_has_one_answer_and_costs_a_hash(
    service: Service, attempt: Attempt, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await service.make_user()
    usual = await service.sign_in(account.email, WRONG)
    compared = watched_comparisons(monkeypatch)

    response = await attempt(service, account)

    assert_oauth_error(response, "invalid_grant")
    assert response.content == usual.content
    assert {**response.headers, "x-request-id": ""} == {**usual.headers, "x-request-id": ""}
    assert compared[-1].startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert (await service.audit_events())[-1].detail == {"reason": reason}


async def test_a_scope_beyond_ones_rights_is_refused_and_recorded(service: Service) -> None:
    account = await service.make_user()

    response = await service.sign_in(account.email, scope="profile:read admin")

    assert_oauth_error(response, "invalid_scope")
    recorded = (await service.audit_events())[-1]
    assert (recorded.event, recorded.outcome, recorded.subject_id) == ("sign_in", "failure", account.id)
    assert recorded.detail == {"reason": "invalid_scope"}


async def test_whoever_knows_no_password_learns_nothing_about_scopes(service: Service) -> None:
    account = await service.make_user()

    response = await service.sign_in(account.email, WRONG, scope="admin")

    assert_oauth_error(response, "invalid_grant")


@pytest.mark.parametrize(
    ("length", "status"),
    [
        pytest.param(257, 400, id="one character too long"),
        pytest.param(60_000, 400, id="60 kB"),
        pytest.param(1_000_000, 413, id="1 MB"),
    ],
)
async def test_a_password_that_is_too_long_costs_no_hash(
    service: Service, length: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await service.make_user()
    compared = watched_comparisons(monkeypatch)

    response = await service.sign_in(account.email, "x" * length)

    assert response.status_code == status
    assert compared == []
