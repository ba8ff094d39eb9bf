"""How an authenticator app is removed, and how recovery codes are renewed."""

from datetime import timedelta

import pytest

from auth_service.authenticators.models import RecoveryCode, TotpCredential
from tests.support.second_factor import OFF, change_totp, count, enrol, finish, read_totp, start_enrolment, stored_totp
from tests.support.service import Account, Service, assert_problem, bearer
from tests.support.tokens import assert_invalid_token, read_me


@pytest.fixture
async def ann(service: Service) -> Account:
    return await service.make_user(email="ann@example.com", email_verified=True)


async def test_removing_the_app_removes_the_codes_and_signs_everybody_out(service: Service, ann: Account) -> None:
    protected = await enrol(service, ann)
    renewed = await protected.signed_in(service)

    response = await service.client.delete("/users/me/totp", headers=bearer(renewed))

    assert response.status_code == 204
    assert_invalid_token(await read_me(service, renewed.token))
    assert [await count(service, table) for table in (TotpCredential, RecoveryCode)] == [0, 0]
    again = await service.sign_in_again(ann)
    assert await read_totp(service, again) == OFF
    assert_problem(await service.client.delete("/users/me/totp", headers=bearer(again)), 404, code="totp_not_found")


async def test_an_administrator_helps_who_has_lost_everything(service: Service, ann: Account) -> None:
    admin, protected = await service.make_admin(), await enrol(service, ann)
    renewed = await protected.signed_in(service)

    response = await service.client.delete(f"/users/{ann.id}/totp", headers=bearer(admin))
    again = await service.client.delete(f"/users/{ann.id}/totp", headers=bearer(admin))

    assert response.status_code == 204
    assert_problem(again, 404, code="totp_not_found")
    assert_invalid_token(await read_me(service, renewed.token))
    assert (await service.sign_in(ann.email)).status_code == 200
    removed = [event for event in await service.audit_events() if event.event == "totp.removed"]
    assert [(event.actor_id, event.subject_id) for event in removed] == [(admin.id, ann.id)]


async def test_new_recovery_codes_replace_the_old_ones(service: Service, ann: Account) -> None:
    protected = await enrol(service, ann)
    renewed = await protected.signed_in(service)

    response = await service.client.post("/users/me/recovery-codes", headers=bearer(renewed))

    codes = response.json()["recovery_codes"]
    assert (response.status_code, len(set(codes) | set(protected.recovery_codes))) == (200, 20)
    token = await protected.begin(service)
    assert (await finish(service, token, recovery_code=protected.recovery_codes[0])).status_code == 400
    assert (await finish(service, token, recovery_code=codes[0])).status_code == 200
    assert (await read_me(service, renewed.token)).status_code == 200


async def test_who_has_no_app_gets_no_recovery_codes(service: Service, ann: Account) -> None:
    await start_enrolment(service, ann)

    assert_problem(
        await service.client.post("/users/me/recovery-codes", headers=bearer(ann)), 404, code="totp_not_found"
    )
    assert await count(service, RecoveryCode) == 0


async def test_the_audit_tells_the_whole_story_and_no_secret(service: Service, ann: Account) -> None:
    protected = await enrol(service, ann)
    renewed = await protected.signed_in(service)
    await service.client.post("/users/me/recovery-codes", headers=bearer(renewed))
    await service.client.delete("/users/me/totp", headers=bearer(renewed))

    events = await service.audit_events()

    told = [(event.event, event.subject_id, event.detail) for event in events]
    assert told[2:] == [
        ("totp.offered", ann.id, {}),
        ("totp.added", ann.id, {}),
        ("sign_in.challenged", ann.id, {}),
        ("sign_in", ann.id, {"amr": ["pwd", "otp", "mfa"]}),
        ("recovery_codes.renewed", ann.id, {}),
        ("totp.removed", ann.id, {}),
    ]
    kept = " ".join(str(event.model_dump()) for event in events).lower()
    assert [one for one in (protected.secret, "@", "mfa_", *protected.recovery_codes) if one.lower() in kept] == []


async def test_what_was_never_confirmed_is_removed_later_and_what_was_is_not(service: Service, ann: Account) -> None:
    kept = (await enrol(service)).account
    await start_enrolment(service, ann)
    for account, minutes in ((kept, 100), (ann, 14)):
        await _let_it_age(service, account, minutes)

    await service.runtime.forget_what_is_over()
    in_time = await count(service, TotpCredential)
    await _let_it_age(service, ann, 1)
    await service.runtime.forget_what_is_over()

    assert (in_time, await count(service, TotpCredential)) == (2, 1)
    assert await stored_totp(service, kept.id) is not None


async def _let_it_age(service: Service, account: Account, minutes: int) -> None:
    stored = await stored_totp(service, account.id)
    assert stored is not None
    await change_totp(service, account.id, created_at=stored.created_at - timedelta(minutes=minutes))
