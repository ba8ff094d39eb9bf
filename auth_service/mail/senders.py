"""Hands a mail over: to an SMTP server, or to the person at the console."""

import asyncio
import ssl
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.message import EmailMessage
from typing import Protocol, TextIO

import aiosmtplib

from auth_service.mail.settings import MailSecurity, MailSettings, MailTransport

_POLICY = "5.7."  # RFC 3463 section 3.8: refused for reasons of security or policy, not for the address
_AUTHENTICATION_REQUIRED = 530


class RecipientRefusedError(Exception):
    """The server will never take mail for this address; `code` is its answer."""

    def __init__(self, code: int) -> None:
        """Keep the code, not the text, which repeats the address."""
        self.code = code
        super().__init__(f"the recipient was refused with {code}")


class SendingFailedError(Exception):
    """This time it could not be sent; the text holds no address and nothing of the mail."""


class ServerAwayError(SendingFailedError):
    """Nor could any other mail be sent: there is no server, or it does not let us in."""


class Sender(Protocol):
    """Sends one mail after another."""

    async def send(self, message: EmailMessage) -> None:
        """Return when the mail was taken. Raises RecipientRefusedError, SendingFailedError."""

    async def rehearse(self) -> None:
        """Be as busy as with one mail, but send none. Raises SendingFailedError."""

    async def rest(self) -> None:
        """Give back what is kept for the next mail, because there is none for now."""


class ConsoleSender:
    """Prints mail, for trying the service out."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Print to `stream`, else to standard output."""
        self._stream = stream

    async def send(self, message: EmailMessage) -> None:
        """Print whom it is for, the subject and the text."""
        text = message.get_body(("plain",))
        lines = ["", f"--- Mail to {message['To']}", f"Subject: {message['Subject']}", ""]
        lines += [*(text.get_content().splitlines() if text is not None else ()), "--- End of mail", ""]
        print("\n".join(lines), file=self._stream or sys.stdout, flush=True)

    async def rehearse(self) -> None:
        """Print nothing: nobody but the person at the console is here."""

    async def rest(self) -> None:
        """Keep nothing."""


class SmtpSender:
    """Sends by SMTP (RFC 5321), over one connection for as long as mail follows mail."""

    def __init__(self, settings: MailSettings) -> None:
        """Connect with the first mail, not before."""
        self._settings = settings
        self._client: aiosmtplib.SMTP | None = None

    async def send(self, message: EmailMessage) -> None:
        """Send it, or close the connection. Raises RecipientRefusedError, SendingFailedError."""
        await self._closing_on_failure(lambda: self._send(message))

    async def rehearse(self) -> None:
        """Begin a mail and withdraw it, in as many commands as one takes. Raises SendingFailedError."""
        await self._closing_on_failure(self._rehearse)

    async def rest(self) -> None:
        """Say goodbye to the server, without waiting for long."""
        client = self._client
        if client is not None:
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=1)
        self._close()

    async def check(self) -> None:
        """Connect and log in. Raises SendingFailedError."""
        try:
            await self._naming_failures(self._connect)
        finally:
            await self.rest()

    async def _send(self, message: EmailMessage) -> None:
        client = await self._connected()
        await client.send_message(message)

    async def _rehearse(self) -> None:
        client = await self._connected()
        await client.mail(self._settings.from_address.addr_spec)
        await client.rset()
        await client.noop()

    async def _connected(self) -> aiosmtplib.SMTP:
        client = self._client
        return client if client is not None and client.is_connected else await self._connect()

    async def _connect(self) -> aiosmtplib.SMTP:
        """Connect, protect the connection as configured or fail, and log in."""
        settings = self._settings
        self._client = client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.effective_port,
            local_hostname=settings.from_address.domain,  # to ask for one's own name may take the resolver seconds
            timeout=settings.send_timeout.total_seconds(),
            use_tls=settings.security is MailSecurity.TLS,
            start_tls=settings.security is MailSecurity.STARTTLS,
            tls_context=None if settings.security is MailSecurity.NONE else await asyncio.to_thread(self._trust),
            username=settings.username or None,
            password=settings.password.get_secret_value() if settings.username else None,
        )
        await client.connect()
        return client

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._settings.ca_file)

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    async def _closing_on_failure(self, act: Callable[[], Awaitable[object]]) -> None:
        try:
            await self._naming_failures(act)
        except BaseException:
            self._close()
            raise

    async def _naming_failures(self, act: Callable[[], Awaitable[object]]) -> None:
        """Tell what is wrong for good, with this mail or with the server; a server's words may repeat the address."""
        try:
            await act()
        except aiosmtplib.SMTPRecipientsRefused as error:
            refusal = error.recipients[0]
            if _is_for_good(refusal):
                raise RecipientRefusedError(refusal.code) from None
            raise SendingFailedError(f"the recipient was refused with {refusal.code}") from None
        except aiosmtplib.SMTPDataError as error:
            raise SendingFailedError(f"the mail was refused with {error.code}") from None
        except aiosmtplib.SMTPNotSupported as error:
            raise SendingFailedError(error.message) from None
        except aiosmtplib.SMTPResponseException as error:
            raise ServerAwayError(f"{type(error).__name__} {error.code}") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise ServerAwayError(type(error).__name__) from None


def _is_for_good(refusal: aiosmtplib.SMTPRecipientRefused) -> bool:
    """Say whether it is the address that is wrong: not the login or the right to send, which an operator can mend."""
    is_policy = refusal.code == _AUTHENTICATION_REQUIRED or refusal.message.startswith(_POLICY)
    return refusal.code >= 500 and not is_policy  # noqa: PLR2004 - RFC 5321 section 4.2.1


def make_sender(settings: MailSettings) -> Sender:
    """Return what sends by the configured transport."""
    return SmtpSender(settings) if settings.transport is MailTransport.SMTP else ConsoleSender()
