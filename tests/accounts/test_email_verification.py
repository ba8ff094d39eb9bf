"""How the owner of an account proves their address, where an unproven one signs in all the same."""

from datetime import timedelta
from uuid import UUID

from auth_service.authenticators.single_use import Purpose
from auth_service.mail.messages import Mail
from tests.support.post import deliver, issue_token, let_proofs_expire, token_of
from tests.support.proofs import ACCEPTED, ask_to_verify, register, verify
from tests.support.service import Service, assert_problem

ANN = "Ann@Example.com"


async def test_who_registers_is_sent_a_token_which_with_the_password_proves_the_address(service: Service) -> None:
    registered = await service.client.post(
        "/users", json={"email": ANN, "password": "the one I chose"}, headers={"Accept-Language": "de"}
    )
    [mail] = await deliver(service)

    answer = await verify(service, str(mail.token), "the one I chose")

    assert mail == Mail(
        ANN, "verify-email", "de", page="verify-email", token=mail.token, expires_in=timedelta(hours=24)
    )
    assert str(mail.token).startswith("verify_")
    assert (answer.status_code, answer.content) == (204, b"")
    user = await service.stored_user(UUID(registered.json()["id"]))
    assert user is not None
    assert user.email_verified_at is not None
    assert user.credential_epoch == 1
    assert [(one.event, one.subject_id) for one in await service.audit_events() if one.event.startswith("email")] == [
        ("email.verified", user.id)
    ]


async def test_the_token_alone_proves_nothing_and_is_not_used_up(service: Service) -> None:
    user = await service.make_user()
    token = await issue_token(service, user.id, Purpose.VERIFY_EMAIL)

    answer = await verify(service, token, "not the password")

    assert_problem(answer, 403, code="wrong_password")
    stored = await service.stored_user(user.id)
    assert stored is not None
    assert stored.email_verified_at is None
    refusals = [one for one in await service.audit_events() if one.outcome == "failure"]
    assert [(one.event, one.subject_id, one.detail) for one in refusals] == [
        ("email.verified", user.id, {"reason": "wrong_password"})
    ]
    assert (await verify(service, token)).status_code == 204


async def test_a_token_is_good_once_and_not_after_its_time(service: Service) -> None:
    user = await service.make_user()
    token = await issue_token(service, user.id, Purpose.VERIFY_EMAIL)
    await verify(service, token)

    again = await verify(service, token)
    late = await issue_token(service, user.id, Purpose.VERIFY_EMAIL)
    await let_proofs_expire(service)

    assert_problem(again, 403, code="invalid_one_time_token")
    assert_problem(await verify(service, late), 403, code="invalid_one_time_token")


async def test_another_mail_voids_the_first_one(service: Service) -> None:
    await register(service, ANN)
    first = await token_of(service, "verify-email")

    asked = await ask_to_verify(service, ANN.upper())
    [second] = await deliver(service)

    assert (asked.status_code, asked.json()) == (202, ACCEPTED)
    assert second.recipient == ANN
    assert_problem(await verify(service, first), 403, code="invalid_one_time_token")
    assert (await verify(service, str(second.token))).status_code == 204


async def test_nothing_is_sent_where_nothing_has_to_be_proven_or_may_be(service: Service) -> None:
    await service.make_user(email="proven@example.com", email_verified=True)
    await service.make_user(email="disabled@example.com", is_active=False)

    for email in ("proven@example.com", "disabled@example.com", "nobody@example.com"):
        await ask_to_verify(service, email)

    assert await deliver(service) == []
