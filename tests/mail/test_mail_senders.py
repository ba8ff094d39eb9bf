"""How mail is handed over: protected as configured or not at all, logged in, or printed."""

import io
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

import pytest

from auth_service.mail.envelope import UnsendableAddressError, build_message
from auth_service.mail.senders import ConsoleSender, SendingFailedError, SmtpSender
from auth_service.mail.settings import MailSettings
from auth_service.mail.templates import RenderedMail
from tests.support.smtp import Mailbox, Security, running_mailbox

LOGIN = ("auth", "the-password-of-the-login")


def _message(recipient: str = "ann@example.com", subject: str = "Hello") -> EmailMessage:
    rendered = RenderedMail("en", subject, "See https://auth.example.com/x#token=abc\n", "<p>See</p>")
    sender = Address("Example", "no-reply", "example.com")
    now = datetime(2026, 11, 21, tzinfo=UTC)
    return build_message(rendered, recipient=recipient, sender=sender, message_id=UUID(int=1), now=now)


async def _send(mailbox: Mailbox, **changes: object) -> None:
    sender = SmtpSender(MailSettings.model_validate({**mailbox.settings, "send_timeout": "PT5S", **changes}))
    try:
        await sender.send(_message())
    finally:
        await sender.rest()


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_mail_goes_over_tls_and_after_a_login(tmp_path: Path, tls: Security) -> None:
    with running_mailbox(tls=tls, login=LOGIN, certificate=tmp_path / "ca.pem") as mailbox:
        await _send(mailbox)

        [mail] = mailbox.received
    assert (mail.over_tls, mail.login, mail.recipient) == (True, "auth", "ann@example.com")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"ca_file": None}, id="a certificate nobody vouches for"),
        pytest.param({"host": "localhost"}, id="a certificate for another name"),
        pytest.param({"password": "wrong"}, id="a wrong password"),
        pytest.param({"username": "", "password": ""}, id="no login"),
        pytest.param({"security": "none", "username": "", "password": ""}, id="no TLS"),
        pytest.param({"port": 1}, id="nobody there"),
    ],
)
@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_nothing_is_sent_otherwise(tmp_path: Path, tls: Security, changes: dict[str, object]) -> None:
    changes = {"send_timeout": "PT0.5S", **changes}  # who speaks plainly to a server that wants TLS waits for ever
    with running_mailbox(tls=tls, login=LOGIN, certificate=tmp_path / "ca.pem") as mailbox:
        with pytest.raises(SendingFailedError) as caught:
            await _send(mailbox, **changes)

        assert mailbox.received == []
    assert [secret for secret in (LOGIN[1], "ann@example.com") if secret in str(caught.value)] == []


async def test_nothing_is_sent_to_a_server_that_hides_its_tls(mailbox: Mailbox) -> None:
    with pytest.raises(SendingFailedError):
        await _send(mailbox, security="starttls")

    assert mailbox.received == []


async def test_a_console_shows_the_link_as_one_line() -> None:
    stream = io.StringIO()

    await ConsoleSender(stream).send(_message())

    assert stream.getvalue().splitlines() == [
        "",
        "--- Mail to ann@example.com",
        "Subject: Hello",
        "",
        "See https://auth.example.com/x#token=abc",
        "--- End of mail",
        "",
    ]


@pytest.mark.parametrize(
    "recipient",
    [
        "ann@example.com\r\nBcc: eve@example.com",
        "ann@example.com\nBcc: eve@example.com",
        "ann@example.com, eve@example.com",
        "ann@example.com> <eve@example.com",
        '"ann\r\nBcc: eve"@example.com',
        "ann\u2028@example.com",
        "ann@example.com\x00",
        "",
        "@",
    ],
)
def test_an_address_cannot_become_two_or_a_header(recipient: str) -> None:
    with pytest.raises(UnsendableAddressError):
        _message(recipient)


@pytest.mark.parametrize("subject", ["Hello\r\nBcc: eve@example.com", "Hello\nBcc: eve@example.com"])
def test_a_subject_cannot_become_a_header(subject: str) -> None:
    with pytest.raises(ValueError, match="linefeed or carriage return"):
        _message(subject=subject)
