"""How an account comes to be where addresses have to be proven: as an attempt that its owner confirms."""

import asyncio
from datetime import timedelta

import pytest

from auth_service.accounts.models import PendingRegistration
from auth_service.mail.messages import Mail
from tests.support.post import count_rows, deliver, let_proofs_expire, token_of
from tests.support.proofs import ACCEPTED, ask_to_recover, ask_to_verify, register, verify
from tests.support.service import PASSWORD, Service, assert_problem, bearer

ANN = "ann@example.com"
OTHER = "another good passphrase"


async def test_there_is_no_account_before_the_address_is_proven_and_a_proven_one_after(strict: Service) -> None:
    answer = await register(strict, "Ann@Example.com", username="ann", full_name="Ann Example")
    early = await strict.sign_in(ANN)
    [mail] = await deliver(strict)
    confirmed = await verify(strict, str(mail.token))

    assert (answer.status_code, answer.json()) == (202, ACCEPTED)
    assert early.json()["error"] == "invalid_grant"
    assert mail == Mail(
        "Ann@Example.com",
        "confirm-registration",
        page="verify-email",
        token=mail.token,
        expires_in=timedelta(hours=24),
    )
    assert (confirmed.status_code, confirmed.content) == (204, b"")
    signed_in = (await strict.sign_in("ann")).json()
    account = (
        await strict.client.get("/users/me", headers={"Authorization": f"Bearer {signed_in['access_token']}"})
    ).json()
    assert account == account | {"email": "Ann@Example.com", "full_name": "Ann Example", "is_superuser": False}
    assert account["email_verified_at"] is not None
    assert await count_rows(strict, PendingRegistration) == 0
    events = [(one.event, str(one.subject_id), one.actor_id) for one in await strict.audit_events()]
    assert ("user.registered", account["id"], None) in events


async def test_each_attempt_takes_its_own_password_and_the_first_that_is_confirmed_ends_the_others(
    strict: Service,
) -> None:
    await register(strict, ANN, PASSWORD)
    one = await token_of(strict, "confirm-registration")
    await register(strict, "ANN@example.com", OTHER)
    other = await token_of(strict, "confirm-registration")

    assert_problem(await verify(strict, one, OTHER), 403, code="wrong_password")
    assert_problem(await verify(strict, other, PASSWORD), 403, code="wrong_password")
    assert (await verify(strict, other, OTHER)).status_code == 204
    assert_problem(await verify(strict, one, PASSWORD), 403, code="invalid_one_time_token")
    assert (await strict.sign_in(ANN, OTHER)).status_code == 200
    assert (await strict.sign_in(ANN, PASSWORD)).json()["error"] == "invalid_grant"


async def test_five_wrong_passwords_end_an_attempt_and_no_other(strict: Service) -> None:
    await register(strict, ANN)
    token = await token_of(strict, "confirm-registration")

    guesses = await asyncio.gather(*(verify(strict, token, f"guess number {number}") for number in range(20)))

    assert sorted(guess.json()["code"] for guess in guesses) == ["invalid_one_time_token"] * 15 + ["wrong_password"] * 5
    assert_problem(await verify(strict, token), 403, code="invalid_one_time_token")
    await ask_to_verify(strict, ANN)
    assert await deliver(strict) == []
    await register(strict, ANN)
    assert (await verify(strict, await token_of(strict, "confirm-registration"))).status_code == 204


async def test_of_twenty_confirmations_at_once_one_makes_an_account(strict: Service) -> None:
    await register(strict, ANN)
    token = await token_of(strict, "confirm-registration")

    answers = await asyncio.gather(*(verify(strict, token) for _ in range(20)))

    assert [answer.status_code for answer in answers].count(204) == 1
    assert {answer.status_code for answer in answers} == {204, 403}


async def test_of_several_attempts_confirmed_at_once_one_makes_an_account_and_none_waits_in_a_circle(
    strict: Service,
) -> None:
    for number in range(6):
        address = f"ann{number}@example.com"
        tokens = []
        for _ in range(4):
            await register(strict, address)
            tokens.append(await token_of(strict, "confirm-registration"))

        answers = await asyncio.gather(*(verify(strict, token) for token in tokens))

        assert sorted(answer.status_code for answer in answers) == [204, 403, 403, 403]


async def test_another_mail_for_the_newest_attempt_voids_its_first_one(strict: Service) -> None:
    await register(strict, ANN)
    first = await token_of(strict, "confirm-registration")

    await ask_to_verify(strict, ANN)
    second = await token_of(strict, "confirm-registration")

    assert_problem(await verify(strict, first), 403, code="invalid_one_time_token")
    assert (await verify(strict, second)).status_code == 204


async def test_an_attempt_is_good_for_its_time_and_is_forgotten_after_it(strict: Service) -> None:
    await register(strict, ANN)
    token = await token_of(strict, "confirm-registration")
    await strict.runtime.forget_what_is_over()
    kept = await count_rows(strict, PendingRegistration)
    await let_proofs_expire(strict)

    assert_problem(await verify(strict, token), 403, code="invalid_one_time_token")
    await ask_to_verify(strict, ANN)
    assert await deliver(strict) == []
    await strict.runtime.forget_what_is_over()
    assert (kept, await count_rows(strict, PendingRegistration)) == (1, 0)


async def test_who_has_an_account_learns_of_the_attempt_by_mail_and_the_caller_learns_nothing(strict: Service) -> None:
    await strict.make_user(email=ANN, email_verified=True)

    answer = await register(strict, "ANN@example.com", OTHER)

    assert (answer.status_code, answer.json()) == (202, ACCEPTED)
    assert await deliver(strict) == [Mail(ANN, "already-registered")]


async def test_a_username_or_an_address_that_was_taken_meanwhile_is_a_conflict_and_the_attempt_stays(
    strict: Service,
) -> None:
    await register(strict, ANN, username="ann")
    token = await token_of(strict, "confirm-registration")
    other = await strict.make_user(username="ann", email_verified=True)

    assert_problem(await verify(strict, token), 409, code="username_taken")
    administrator = await strict.make_admin(email_verified=True)
    await strict.client.patch(f"/users/{other.id}", json={"username": None}, headers=bearer(administrator))
    assert (await verify(strict, token)).status_code == 204


async def test_an_administrator_creates_an_account_at_once(strict: Service) -> None:
    administrator = await strict.make_admin(email_verified=True)

    answer = await strict.client.post("/users", json={"email": ANN}, headers=bearer(administrator))

    assert (answer.status_code, answer.json()["email"]) == (201, ANN)
    assert await deliver(strict) == []


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        pytest.param({"is_superuser": True}, 403, "privileged_fields", id="a privileged field"),
        pytest.param({"password": None}, 422, "password_required", id="no password"),
        pytest.param({"password": "short"}, 422, "weak_password", id="a weak password"),
    ],
)
async def test_what_is_no_registration_is_refused_as_ever(
    strict: Service, fields: dict[str, object], status: int, code: str
) -> None:
    answer = await strict.client.post("/users", json={"email": ANN, "password": PASSWORD, **fields})

    assert_problem(answer, status, code=code)
    assert await count_rows(strict, PendingRegistration) == 0


async def test_an_account_from_before_gets_in_by_proving_its_address(strict: Service) -> None:
    await strict.make_user(email=ANN)
    refused = await strict.sign_in(ANN)
    await ask_to_verify(strict, ANN)

    confirmed = await verify(strict, await token_of(strict, "verify-email"))

    assert refused.json()["error"] == "invalid_grant"
    assert confirmed.status_code == 204
    assert (await strict.sign_in(ANN)).status_code == 200
    await ask_to_recover(strict, ANN)
    assert [mail.template for mail in await deliver(strict)] == ["recover-password"]
