"""How a user changes their address: with the password, and with what is mailed to the new one."""

from datetime import timedelta

import pytest

from auth_service.authenticators.single_use import Purpose
from auth_service.mail.messages import Mail
from tests.support.post import deliver, issue_token, token_of
from tests.support.proofs import ACCEPTED, ask_for_address, change_address, patch
from tests.support.service import PASSWORD, Service, assert_problem, bearer
from tests.support.tokens import assert_invalid_token, read_me

OLD, NEW = "ann@example.com", "Ann@Bücher.example.com"


async def test_the_address_changes_when_both_are_shown_and_every_session_ends(service: Service) -> None:
    ann = await service.make_user(email=OLD)
    asked = await ask_for_address(service, ann, NEW)
    notice, mail = sorted(await deliver(service), key=lambda sent: sent.template)
    before = await service.stored_user(ann.id)

    changed = await change_address(service, ann, str(mail.token))

    assert (asked.status_code, asked.json()) == (202, ACCEPTED)
    assert notice == Mail(OLD, "address-change-requested")
    expected = Mail(NEW, "confirm-new-address", page="change-email", token=mail.token, expires_in=timedelta(hours=1))
    assert mail == expected
    assert before is not None
    assert (before.email, before.credential_epoch) == (OLD, 1)
    assert (changed.status_code, changed.content) == (204, b"")
    assert await deliver(service) == [Mail(OLD, "address-changed")]
    assert_invalid_token(await read_me(service, ann.token))
    assert await service.live_sessions(ann) == []
    assert (await service.sign_in(OLD)).json()["error"] == "invalid_grant"
    assert (await service.sign_in(NEW)).status_code == 200
    stored = await service.stored_user(ann.id)
    assert stored is not None
    assert (stored.email, stored.credential_epoch) == (NEW, 2)
    assert stored.email_verified_at is not None
    events = [(one.event, one.actor_id, one.subject_id) for one in await service.audit_events()]
    assert ("email.change_requested", ann.id, ann.id) in events
    assert ("email.changed", ann.id, ann.id) in events


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"email": "new@example.com"}, [Mail(OLD, "address-changed")]),
        ({"email": "ANN@example.com"}, []),
        ({"full_name": "Ann"}, []),
    ],
)
async def test_the_old_address_is_told_when_an_administrator_changes_it(
    service: Service, change: dict[str, str], told: list[Mail]
) -> None:
    ann, administrator = await service.make_user(email=OLD), await service.make_admin()

    changed = await patch(service, administrator, ann, **change)

    assert changed.status_code == 200
    assert await deliver(service) == told


async def test_an_address_that_an_administrator_cannot_give_is_told_to_nobody(service: Service) -> None:
    ann, administrator = await service.make_user(email=OLD), await service.make_admin(email="boss@example.com")

    refused = await patch(service, administrator, ann, email="boss@example.com")

    assert_problem(refused, 409, code="email_taken")
    assert await deliver(service) == []


async def test_it_is_found_under_its_new_address_and_not_under_the_old_one(service: Service) -> None:
    ann, administrator = await service.make_user(email="old@example.org"), await service.make_admin()
    token = await issue_token(service, ann.id, Purpose.CHANGE_EMAIL, email="new@example.net")

    await change_address(service, ann, token)

    found = {
        term: (await service.client.get("/users", params={"q": term}, headers=bearer(administrator))).json()["data"]
        for term in ("example.org", "example.net")
    }
    assert (found["example.org"], [one["id"] for one in found["example.net"]]) == ([], [str(ann.id)])


async def test_a_wrong_password_asks_for_nothing_and_leaves_a_trace(service: Service) -> None:
    ann = await service.make_user()

    answer = await ask_for_address(service, ann, NEW, "not the password")

    assert_problem(answer, 403, code="wrong_password")
    assert await deliver(service) == []
    refusals = [one for one in await service.audit_events() if one.outcome == "failure"]
    assert [(one.event, one.subject_id) for one in refusals] == [("email.change_requested", ann.id)]


async def test_an_address_of_somebody_else_gets_a_notice_and_no_token_and_the_answer_is_the_same(
    service: Service,
) -> None:
    ann, holder = await service.make_user(email=OLD), await service.make_user(email="holder@example.com")
    await service.make_user(email="disabled@example.com", is_active=False)

    answers = [
        await ask_for_address(service, ann, email)
        for email in ("HOLDER@example.com", "disabled@example.com", "free@example.com")
    ]

    assert {(answer.status_code, answer.content) for answer in answers} == {(202, answers[0].content)}
    sent = [(mail.recipient, mail.template) for mail in await deliver(service) if mail.recipient != OLD]
    assert sent == [(holder.email, "address-in-use"), ("free@example.com", "confirm-new-address")]


async def test_only_the_account_that_asked_can_use_the_token(service: Service) -> None:
    ann, stranger = await service.make_user(), await service.make_user()
    token = await issue_token(service, ann.id, Purpose.CHANGE_EMAIL, email=NEW)

    assert_problem(await change_address(service, stranger, token), 403, code="invalid_one_time_token")
    anonymous = await service.client.post("/users/me/email/confirm", json={"token": token})
    assert_problem(anonymous, 401, code="not_authenticated")
    assert (await change_address(service, ann, token)).status_code == 204


async def test_an_address_that_was_taken_meanwhile_is_a_conflict(service: Service) -> None:
    ann = await service.make_user()
    token = await issue_token(service, ann.id, Purpose.CHANGE_EMAIL, email="taken@example.com")
    await service.make_user(email="taken@example.com")

    answer = await change_address(service, ann, token)

    assert_problem(answer, 409, code="email_taken")
    assert (await service.sign_in(ann.email)).status_code == 200


async def test_what_was_asked_for_before_the_password_changed_is_not_sent(service: Service) -> None:
    ann = await service.make_user()
    await ask_for_address(service, ann, NEW)
    change = {"current_password": PASSWORD, "new_password": "a much better passphrase"}
    await service.client.put("/users/me/password", json=change, headers=bearer(ann))

    sent = await deliver(service)

    assert sorted(mail.template for mail in sent) == ["address-change-requested", "password-changed"]


async def test_whoever_is_disabled_meanwhile_gets_the_notice_and_no_link(service: Service) -> None:
    ann, administrator = await service.make_user(email=OLD), await service.make_admin()
    await ask_for_address(service, ann, NEW)
    await patch(service, administrator, ann, is_active=False)

    assert await deliver(service) == [Mail(OLD, "address-change-requested")]


async def test_the_spelling_of_one_s_own_address_changes_like_any_other(service: Service) -> None:
    ann = await service.make_user(email=OLD)
    await ask_for_address(service, ann, "ANN@example.com")

    await change_address(service, ann, await token_of(service, "confirm-new-address"))

    stored = await service.stored_user(ann.id)
    assert stored is not None
    assert (stored.email, stored.email_normalized) == ("ANN@example.com", OLD)


async def test_the_refusal_of_a_change_without_a_proof_names_the_way(service: Service) -> None:
    ann = await service.make_user()

    answer = await patch(service, ann, ann, email=NEW)

    assert_problem(answer, 403, code="email_change_needs_proof")
    assert "POST /users/me/email" in answer.json()["detail"]
