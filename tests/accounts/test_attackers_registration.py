"""Somebody registers another person's address and waits for them to click: it gains nothing, in either mode."""

from sqlmodel import select

from auth_service.accounts.models import PendingRegistration
from auth_service.authenticators.models import SingleUseToken
from tests.support.oauth import assert_oauth_error
from tests.support.post import count_rows, deliver
from tests.support.proofs import (
    ask_for_address,
    ask_to_recover,
    ask_to_verify,
    change_address,
    patch,
    recover,
    register,
    verify,
)
from tests.support.service import Account, Service, assert_problem, bearer
from tests.support.sessions import refresh
from tests.support.tokens import assert_invalid_token, read_me

VICTIM, EVIL = "victim@example.com", "attacker@example.com"
THEIRS, OWN = "the attacker knows this", "only the victim knows this"


async def _token(service: Service, template: str) -> str:
    [mail] = [mail for mail in await deliver(service) if mail.template == template]
    assert mail.recipient == VICTIM
    return str(mail.token)


async def test_where_addresses_are_proven_later_a_recovery_leaves_the_attacker_nothing(service: Service) -> None:
    registered = await register(service, VICTIM, THEIRS)
    tokens = (await service.sign_in(VICTIM, THEIRS)).json()
    attacker = Account(
        registered.json()["id"], VICTIM, THEIRS, token=tokens["access_token"], refresh_token=tokens["refresh_token"]
    )
    clicked = await _token(service, "verify-email")
    assert_problem(await verify(service, clicked, OWN), 403, code="wrong_password")  # the victim has only their own
    await ask_for_address(service, attacker, EVIL, THEIRS)
    [planted] = [str(mail.token) for mail in await deliver(service) if mail.recipient == EVIL]
    await ask_for_address(service, attacker, "other@example.com", THEIRS)  # composed only after the recovery

    assert_problem(await register(service, VICTIM, OWN), 409, code="email_taken")
    await ask_to_recover(service, VICTIM)
    [mail] = [mail for mail in await deliver(service) if mail.template == "recover-password"]
    recovered = await recover(service, str(mail.token), OWN)

    assert recovered.status_code == 204
    owner = (await service.sign_in(VICTIM, OWN)).json()
    assert_oauth_error(await service.sign_in(VICTIM, THEIRS), "invalid_grant")
    assert_oauth_error(await refresh(service, attacker.refresh_token), "invalid_grant")
    assert_invalid_token(await read_me(service, attacker.token))
    assert_invalid_token(await change_address(service, attacker, planted))
    signed_in = Account(attacker.id, VICTIM, OWN, token=owner["access_token"])
    assert_problem(await change_address(service, signed_in, planted), 403, code="invalid_one_time_token")
    assert_problem(await verify(service, clicked, THEIRS), 403, code="invalid_one_time_token")
    async with service.runtime.database.transaction(writing=False) as session:
        epochs = set((await session.exec(select(SingleUseToken.credential_epoch))).all())
    assert 2 not in epochs  # nothing that is left was issued to the account as it is now
    sessions = await service.client.get("/users/me/sessions", headers=bearer(signed_in))
    assert len(sessions.json()["data"]) == 1


async def test_where_addresses_are_proven_first_the_victim_s_click_makes_no_account_of_the_attacker_s(
    strict: Service,
) -> None:
    await register(strict, VICTIM, THEIRS)
    clicked = await _token(strict, "confirm-registration")
    assert_problem(await verify(strict, clicked, OWN), 403, code="wrong_password")
    assert_oauth_error(await strict.sign_in(VICTIM, THEIRS), "invalid_grant")

    await register(strict, VICTIM, OWN)
    own = await _token(strict, "confirm-registration")
    await register(strict, VICTIM, THEIRS)  # once more, so that theirs is the newest
    assert (await verify(strict, own, OWN)).status_code == 204

    assert_oauth_error(await strict.sign_in(VICTIM, THEIRS), "invalid_grant")
    assert (await strict.sign_in(VICTIM, OWN)).status_code == 200
    assert await count_rows(strict, PendingRegistration) == 0
    assert [mail.template for mail in await deliver(strict)] == ["already-registered"]
    assert_problem(await verify(strict, clicked, THEIRS), 403, code="invalid_one_time_token")
    await ask_to_verify(strict, VICTIM)
    assert await deliver(strict) == []


async def test_where_addresses_are_proven_first_a_recovery_of_an_attempt_is_nothing_to_anybody(strict: Service) -> None:
    await register(strict, VICTIM, THEIRS)
    await ask_to_recover(strict, VICTIM)

    sent = await deliver(strict)

    assert [mail.template for mail in sent] == ["confirm-registration"]
    assert_problem(await recover(strict, str(sent[0].token), OWN), 403, code="invalid_one_time_token")


async def test_an_account_that_an_attacker_made_before_proofs_were_required_is_the_victim_s_by_recovery(
    strict: Service,
) -> None:
    attacker = await strict.make_user(email=VICTIM, password=THEIRS)
    administrator = await strict.make_admin(email_verified=True)
    assert attacker.token == ""  # it may not sign in
    await ask_to_recover(strict, VICTIM)
    [mail] = await deliver(strict)

    await recover(strict, str(mail.token), OWN)

    assert (await strict.sign_in(VICTIM, OWN)).status_code == 200
    assert_oauth_error(await strict.sign_in(VICTIM, THEIRS), "invalid_grant")
    unproven = await patch(strict, administrator, attacker, email_verified=False)
    assert unproven.status_code == 200
    assert_oauth_error(await strict.sign_in(VICTIM, OWN), "invalid_grant")
