"""Where addresses have to be proven, an administrator whose address is not proven administers nothing."""

import pytest

from auth_service.cli.configuration import ConfigurationError, load_settings
from tests.support.proofs import ask_to_recover, patch, recover
from tests.support.service import Service, assert_problem
from tests.support.settings import new_master_key
from tests.support.smtp import Mailbox


async def test_the_last_proven_administrator_keeps_a_proven_address(strict: Service) -> None:
    last = await strict.make_admin(email="last@example.com", email_verified=True)
    await strict.make_admin(email="unproven@example.com")
    before = await strict.stored_user(last.id)

    for change in ({"email": "new@example.com"}, {"email_verified": False}, {"is_active": False}):
        assert_problem(await patch(strict, last, last, **change), 409, code="last_administrator")

    assert await strict.stored_user(last.id) == before
    assert (await patch(strict, last, last, email="LAST@example.com")).status_code == 200
    await strict.make_admin(email_verified=True)
    assert (await patch(strict, last, last, email="new@example.com")).status_code == 200


def test_addresses_cannot_have_to_be_proven_where_no_mail_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_SECURITY__MASTER_KEYS", new_master_key())
    monkeypatch.setenv("AUTH_TOKENS__ISSUER", "https://auth.example.com")
    monkeypatch.setenv("AUTH_ACCOUNTS__VERIFIED_EMAIL_REQUIRED", "true")

    with pytest.raises(ConfigurationError) as refused:
        load_settings()

    assert refused.value.lines == [
        "AUTH_ACCOUNTS__VERIFIED_EMAIL_REQUIRED: nobody can prove an address without mail. Set AUTH_MAIL__TRANSPORT."
    ]


async def test_a_recovery_arrives_by_mail_and_works(started_service: Service, mailbox: Mailbox) -> None:
    user = await started_service.make_user(email="by-mail@example.com")

    await ask_to_recover(started_service, user.email)
    received = await mailbox.next_to(user.email)

    assert (await recover(started_service, received.token)).status_code == 204
    await mailbox.next_to(user.email)  # the notice
    await started_service.empty()
