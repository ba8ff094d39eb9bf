"""How somebody without the password gets a new one, or the first one, by mail."""

from datetime import timedelta

import pytest
from httpx import Response

from auth_service.authenticators.single_use import Purpose
from auth_service.mail.messages import Mail
from tests.support.oauth import assert_oauth_error
from tests.support.post import deliver, issue_token, let_proofs_expire, queued, token_of
from tests.support.proofs import ACCEPTED, NEW_PASSWORD, ON_ITS_WAY, ask_to_recover, recover
from tests.support.service import PASSWORD, Account, Service, assert_problem, bearer
from tests.support.sessions import refresh
from tests.support.tokens import assert_invalid_token, read_me

ANN = "Ann@Example.com"


async def test_the_new_password_signs_in_and_nothing_from_before_does(service: Service) -> None:
    ann = await service.make_user(email=ANN)
    asked = await ask_to_recover(service, "ann@EXAMPLE.com")
    [mail] = await deliver(service)

    answer = await recover(service, str(mail.token))

    assert (asked.status_code, asked.json()) == (202, ACCEPTED)
    expected = Mail(ANN, "recover-password", page="reset-password", token=mail.token, expires_in=timedelta(hours=1))
    assert mail == expected
    assert (answer.status_code, answer.content) == (204, b"")
    assert await service.live_sessions(ann) == []
    assert_invalid_token(await read_me(service, ann.token))
    assert_oauth_error(await refresh(service, ann.refresh_token), "invalid_grant")
    assert_oauth_error(await service.sign_in(ANN, PASSWORD), "invalid_grant")
    assert (await service.sign_in(ANN, NEW_PASSWORD)).status_code == 200
    stored = await service.stored_user(ann.id)
    assert stored is not None
    assert stored.credential_epoch == 2
    assert stored.email_verified_at is not None
    assert await deliver(service) == [Mail(ANN, "password-changed")]


async def test_the_audit_says_who_asked_and_what_was_done(service: Service) -> None:
    ann = await service.make_user(email=ANN)
    headers = {"X-Request-ID": "request-1"}

    await service.client.post("/password-recoveries", json={"email": ANN}, headers=headers)
    await recover(service, await token_of(service, "recover-password"))

    events = [one for one in await service.audit_events() if one.subject_id == ann.id][-2:]
    assert [(one.event, one.outcome, one.network, one.detail) for one in events] == [
        ("one_time_token.issued", "success", "192.0.2.1", {"purpose": "recover_password"}),
        ("password.recovered", "success", "192.0.2.1", {"by": "recover_password"}),
    ]
    assert events[0].request_id == "request-1"


async def test_a_password_that_the_policy_refuses_does_not_use_the_token_up(service: Service) -> None:
    ann = await service.make_user()
    token = await issue_token(service, ann.id, Purpose.RECOVER_PASSWORD)

    assert_problem(await recover(service, token, "seven 7"), 422, code="weak_password")
    assert (await recover(service, token)).status_code == 204


async def test_a_token_is_good_once_and_not_after_its_time(service: Service) -> None:
    ann = await service.make_user()
    token = await issue_token(service, ann.id, Purpose.RECOVER_PASSWORD)
    await recover(service, token)

    again = await recover(service, token, "yet another passphrase")
    late = await issue_token(service, ann.id, Purpose.RECOVER_PASSWORD)
    await let_proofs_expire(service)

    assert_problem(again, 403, code="invalid_one_time_token")
    assert_problem(await recover(service, late), 403, code="invalid_one_time_token")
    assert (await service.sign_in(ann.email, NEW_PASSWORD)).status_code == 200


async def test_nobody_gets_a_recovery_who_may_not_have_one(service: Service) -> None:
    await service.make_user(email="disabled@example.com", is_active=False)
    await service.make_user(email="invited@example.com", password=None)

    for email in ("disabled@example.com", "invited@example.com", "nobody@example.com"):
        await ask_to_recover(service, email)

    assert await deliver(service) == []


async def test_an_administrator_starts_a_recovery_of_an_account_that_has_a_password(service: Service) -> None:
    administrator, ann = await service.make_admin(), await service.make_user(email=ANN)

    answer = await _start(service, administrator, ann, "password-recovery")

    assert (answer.status_code, answer.json()) == (202, ON_ITS_WAY)
    assert (await recover(service, await token_of(service, "recover-password"))).status_code == 204
    events = [(one.event, one.actor_id, one.subject_id) for one in await service.audit_events()]
    assert ("recovery.started", administrator.id, ann.id) in events
    assert (await service.sign_in(ANN, PASSWORD)).json()["error"] == "invalid_grant"


async def test_an_administrator_invites_somebody_who_has_no_password_yet(service: Service) -> None:
    administrator, ann = await service.make_admin(), await service.make_user(email=ANN, password=None)

    answer = await _start(service, administrator, ann, "invitation")
    [mail] = await deliver(service)
    accepted = await recover(service, str(mail.token))

    assert (answer.status_code, answer.json()) == (202, ON_ITS_WAY)
    expected = Mail(ANN, "invitation", page="accept-invitation", token=mail.token, expires_in=timedelta(days=7))
    assert mail == expected
    events = [(one.actor_id, one.subject_id) for one in await service.audit_events() if one.event == "invitation.sent"]
    assert events == [(administrator.id, ann.id)]
    assert accepted.status_code == 204
    assert (await service.sign_in(ANN, NEW_PASSWORD)).status_code == 200
    assert_problem(await _start(service, administrator, ann, "invitation"), 409, code="password_exists")
    assert_problem(await recover(service, str(mail.token)), 403, code="invalid_one_time_token")


async def test_a_person_does_not_learn_where_their_administrator_was(service: Service) -> None:
    administrator, ann = await service.make_admin(), await service.make_user(email=ANN)

    await _start(service, administrator, ann, "password-recovery")
    await deliver(service)

    issued = [one for one in await service.audit_events() if one.event == "one_time_token.issued"]
    assert [(one.network, one.request_id) for one in issued if one.subject_id == ann.id] == [(None, None)]


@pytest.mark.parametrize("what", ["password-recovery", "invitation"])
async def test_an_administrator_sends_nothing_to_who_is_disabled_or_has_nothing_to_recover(
    service: Service, what: str
) -> None:
    administrator, nobody = await service.make_admin(), await service.make_user(password=None)
    disabled = await service.make_user(is_active=False)
    user = await service.make_user()

    refused = await _start(service, administrator, disabled, what)
    denied = await _start(service, user, nobody, what)

    assert_problem(refused, 409, code="account_disabled")
    assert_problem(denied, 403, code="permission_denied")
    if what == "password-recovery":
        assert_problem(await _start(service, administrator, nobody, what), 409, code="no_password")
    assert await queued(service) == []


async def _start(service: Service, caller: Account, account: Account, what: str) -> Response:
    return await service.client.post(f"/users/{account.id}/{what}", headers=bearer(caller))
