"""The worker: each message once, failures later, and nothing stops it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, update

from auth_service.db.session import Session
from auth_service.mail.dispatcher import retry_delay
from auth_service.mail.messages import Mail
from auth_service.mail.models import OutboxMessage
from auth_service.mail.outbox import MailContent
from auth_service.wiring.runtime import Runtime
from tests.support.mail import COMPOSERS, RECOVERY, dispatching, outbox_rows, queue
from tests.support.settings import make_settings
from tests.support.smtp import SENDER, Fault, Mailbox, Stage

QUICK = {"poll_interval": "PT0.02S", "retry_after": "PT0.05S", "send_timeout": "PT5S"}


@pytest.fixture
async def runtime(migrated_database: str, mailbox: Mailbox) -> AsyncIterator[Runtime]:
    """A process without its HTTP side: the worker is the test's to start."""
    async with Runtime(make_settings(migrated_database, mail={**mailbox.settings, **QUICK})) as runtime:
        yield runtime


async def _until_nothing_is_queued(runtime: Runtime) -> None:
    async with asyncio.timeout(20):
        while [row for row in await outbox_rows(runtime) if row.failed_at is None]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def _run_until_sent(runtime: Runtime) -> None:
    async with dispatching(runtime):
        await _until_nothing_is_queued(runtime)


async def test_what_was_queued_is_sent_with_its_link_and_forgotten(runtime: Runtime, mailbox: Mailbox) -> None:
    await queue(runtime, "ann@example.com", token="recover_abc")
    [row] = await outbox_rows(runtime)

    await _run_until_sent(runtime)

    [mail] = mailbox.received
    assert (mail.sender, mail.recipient) == ("no-reply@example.com", "ann@example.com")
    assert mail.link == "http://127.0.0.1:8000/reset-password#token=recover_abc"
    assert (mail.message["From"], mail.message["To"]) == (SENDER, "ann@example.com")
    assert mail.message["Message-ID"] == f"<{row.id}@example.com>"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert abs(datetime.now(UTC) - mail.message["Date"].datetime) < timedelta(minutes=1)
    assert await outbox_rows(runtime) == []


async def test_what_a_transaction_queued_that_failed_is_never_sent(runtime: Runtime, mailbox: Mailbox) -> None:
    with suppress(ZeroDivisionError):
        async with runtime.unit_of_work(writing=True) as work:
            work.outbox.queue(RECOVERY, {"to": "nobody@example.com"})
            raise ZeroDivisionError
    await queue(runtime, "ann@example.com")

    await _run_until_sent(runtime)

    assert [mail.recipient for mail in mailbox.received] == ["ann@example.com"]


@pytest.mark.parametrize(
    ("stage", "fault"),
    [
        pytest.param("RCPT", "450 4.2.1 Greylisted", id="a recipient refused for now"),
        pytest.param("RCPT", "550 5.7.1 Relaying denied", id="a recipient refused for want of rights"),
        pytest.param("RCPT", "530 Authentication required", id="a login asked for"),
        pytest.param("DATA", "451 4.3.0 Try again later", id="a mail refused for now"),
        pytest.param("DATA", "554 5.7.1 Looks like spam", id="a mail refused"),
        pytest.param("DATA", "421 4.3.2 Shutting down", id="a server that goes away"),
        pytest.param("RCPT", "disconnect", id="cut off before the mail"),
        pytest.param("DATA", "disconnect", id="cut off behind the mail"),
    ],
)
async def test_mail_that_fails_for_now_is_sent_later(
    runtime: Runtime, mailbox: Mailbox, stage: Stage, fault: Fault
) -> None:
    mailbox.fail_next(stage, fault, times=3)
    await queue(runtime, "ann@example.com")

    await _run_until_sent(runtime)

    assert mailbox.faults_left == 0
    assert [mail.recipient for mail in mailbox.received] == ["ann@example.com"]


async def test_a_server_that_falls_silent_is_left_after_a_while(migrated_database: str, mailbox: Mailbox) -> None:
    mail = {**mailbox.settings, **QUICK, "send_timeout": "PT0.3S"}
    mailbox.fail_next("DATA", "hang")
    async with Runtime(make_settings(migrated_database, mail=mail)) as runtime:
        await queue(runtime, "ann@example.com")

        await _run_until_sent(runtime)

    assert [mail.recipient for mail in mailbox.received] == ["ann@example.com"]


async def test_an_address_that_is_refused_for_good_is_given_up_at_once_and_its_content_wiped(
    runtime: Runtime, mailbox: Mailbox
) -> None:
    mailbox.fail_next("RCPT", "550 5.1.1 No such user")
    await queue(runtime, "nobody@example.com", "ann@example.com")

    await _run_until_sent(runtime)

    [row] = await outbox_rows(runtime)
    assert [mail.recipient for mail in mailbox.received] == ["ann@example.com"]
    assert (row.attempts, row.failed_at is not None, row.sealed) == (1, True, b"")


async def test_mail_is_given_up_after_the_configured_time(migrated_database: str, mailbox: Mailbox) -> None:
    mailbox.fail_next("RCPT", "450 4.2.1 Greylisted", times=1000)
    mail = {**mailbox.settings, **QUICK, "give_up_after": "PT0.2S"}
    async with Runtime(make_settings(migrated_database, mail=mail)) as runtime:
        await queue(runtime, "ann@example.com")

        await _run_until_sent(runtime)

        [row] = await outbox_rows(runtime)
    assert row.failed_at is not None
    assert (row.attempts > 1, row.sealed) == (True, b"")


async def _raise(_content: MailContent) -> Mail:
    raise RuntimeError("ann@example.com recover_secret")


async def _compose_without_token(_content: MailContent) -> Mail:
    return Mail("ann@example.com", "recover-password", None, "reset-password", None)


async def _compose_unknown_template(_content: MailContent) -> Mail:
    return Mail("ann@example.com", "no-such-template")


async def _compose_injection(_content: MailContent) -> Mail:
    return Mail("ann@example.com\r\nBcc: eve@example.com", "password-changed")


BROKEN = {
    "test.raises": _raise,
    "test.incomplete": _compose_without_token,
    "test.unknown_template": _compose_unknown_template,
}


@pytest.mark.parametrize("kind", [*BROKEN, "test.no_composer"])
async def test_a_message_that_cannot_be_composed_is_kept_and_the_next_one_is_sent(
    migrated_database: str,
    mailbox: Mailbox,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    async with Runtime(
        make_settings(migrated_database, mail={**mailbox.settings, **QUICK, "retry_after": "PT1H"})
    ) as runtime:
        await queue(runtime, "broken@example.com", kind=kind, token="recover_secret")
        await queue(runtime, "bob@example.com")

        async with dispatching(runtime, {**COMPOSERS, **BROKEN}):
            await mailbox.next_to("bob@example.com")

        rows = await outbox_rows(runtime)
    written = "".join(capsys.readouterr())
    assert [(row.kind, row.attempts, row.failed_at) for row in rows if row.kind != RECOVERY] == [(kind, 1, None)]
    assert "mail.postponed" in written
    assert [secret for secret in ("example.com", "recover_secret") if secret in written] == []


async def test_a_message_that_does_not_open_is_kept_and_the_next_one_is_sent(
    runtime: Runtime, mailbox: Mailbox
) -> None:
    await queue(runtime, "broken@example.com")
    async with runtime.database.transaction(writing=True) as session:
        await _damage(session)
    await queue(runtime, "bob@example.com")

    async with dispatching(runtime):
        await mailbox.next_to("bob@example.com")

    assert b"damaged" in [row.sealed for row in await outbox_rows(runtime)]


async def _damage(session: Session) -> None:
    statement = update(OutboxMessage).values(sealed=b"damaged").where(col(OutboxMessage.attempts) == 0)
    await session.exec(statement.execution_options(synchronize_session=False))


async def test_an_address_with_a_line_break_is_sent_nothing(runtime: Runtime, mailbox: Mailbox) -> None:
    await queue(runtime, "eve@example.com", kind="test.injection")
    await queue(runtime, "bob@example.com")

    async with dispatching(runtime, {**COMPOSERS, "test.injection": _compose_injection}):
        await mailbox.next_to("bob@example.com")
        await _until_nothing_is_queued(runtime)

    [row] = await outbox_rows(runtime)
    assert (row.kind, row.failed_at is not None) == ("test.injection", True)
    assert mailbox.received == []


async def test_a_message_that_there_is_nothing_to_send_for_any_more_is_forgotten(
    runtime: Runtime, mailbox: Mailbox
) -> None:
    async def compose_nothing(_content: MailContent) -> None:
        return None

    await queue(runtime, "gone@example.com", kind="test.gone")

    async with dispatching(runtime, {"test.gone": compose_nothing}):
        await _until_nothing_is_queued(runtime)

    assert (await outbox_rows(runtime), mailbox.received) == ([], [])


async def test_three_workers_at_once_send_each_message_once(runtime: Runtime, mailbox: Mailbox) -> None:
    recipients = [f"user{number}@example.com" for number in range(60)]
    await queue(runtime, *recipients)

    async with dispatching(runtime), dispatching(runtime), dispatching(runtime):
        await _until_nothing_is_queued(runtime)

    assert sorted(mail.recipient for mail in mailbox.received) == sorted(recipients)


async def test_a_run_of_messages_goes_over_one_connection(runtime: Runtime, mailbox: Mailbox) -> None:
    before = mailbox.connections
    await queue(runtime, *(f"user{number}@example.com" for number in range(10)))

    await _run_until_sent(runtime)

    assert (len(mailbox.received), mailbox.connections - before) == (10, 1)


async def test_an_address_beyond_ascii_gets_mail(runtime: Runtime, mailbox: Mailbox) -> None:
    await queue(runtime, "jörg@bücher.example")

    await _run_until_sent(runtime)

    [mail] = mailbox.received
    assert mail.recipient == "jörg@xn--bcher-kva.example"


async def test_mail_is_written_in_the_language_asked_for(runtime: Runtime, mailbox: Mailbox) -> None:
    await queue(runtime, "ann@example.com", languages="fr;q=0.9, de-AT, en;q=0.1")

    await _run_until_sent(runtime)

    [mail] = mailbox.received
    assert mail.subject == "Wählen Sie ein neues Passwort (127.0.0.1:8000)"
    assert "1 Stunde lang" in mail.text


async def test_what_was_given_up_is_forgotten_in_the_end(migrated_database: str, mailbox: Mailbox) -> None:
    mailbox.fail_next("RCPT", "550 5.1.1 No such user")
    mail = {**mailbox.settings, **QUICK, "given_up_kept_for": "PT0S"}
    async with Runtime(make_settings(migrated_database, mail=mail)) as runtime:
        await queue(runtime, "nobody@example.com")
        await _run_until_sent(runtime)
        [_row] = await outbox_rows(runtime)

        await runtime.forget_what_is_over()

        assert await outbox_rows(runtime) == []


@pytest.mark.parametrize(
    ("attempts", "spread", "seconds"),
    [(1, 0.0, 15), (2, 0.0, 30), (3, 0.0, 60), (8, 0.0, 1920), (9, 0.0, 3600), (5000, 0.0, 3600), (1, 1.0, 18.75)],
)
def test_each_delay_is_twice_the_one_before_up_to_an_hour(attempts: int, spread: float, seconds: float) -> None:
    delay = retry_delay(attempts, first=timedelta(seconds=15), spread=spread)

    assert delay.total_seconds() == seconds
