"""The worker inside the service: it is woken by the commit that queued something; without mail nothing is queued."""

import pytest

from auth_service.mail.errors import MailOffError
from auth_service.wiring.runtime import Runtime
from auth_service.wiring.unit_of_work import UnitOfWork
from tests.support.mail import COMPOSERS, outbox_rows, queue
from tests.support.service import Service
from tests.support.settings import make_settings
from tests.support.smtp import Mailbox


async def test_a_commit_wakes_the_worker_of_its_replica(
    service: Service, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UnitOfWork, "composers", COMPOSERS)

    await queue(service.runtime, "woken@example.com")  # and nobody looks by the clock for an hour

    mail = await mailbox.next_to("woken@example.com")
    assert mail.token == "recover_secret"


async def test_where_mail_is_off_nothing_is_queued_and_what_needs_it_is_refused(migrated_database: str) -> None:
    async with Runtime(make_settings(migrated_database)) as runtime:
        await queue(runtime, "ann@example.com")

        async with runtime.unit_of_work(writing=False) as work:
            with pytest.raises(MailOffError):
                work.outbox.require()

        assert await outbox_rows(runtime) == []
