"""A real SMTP server that keeps what it is sent; it has TLS, asks for a login and fails where it is told to."""

import asyncio
import datetime as dt
import email
import email.policy
import ipaddress
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal, cast

import anyio.to_thread
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from anyio.from_thread import start_blocking_portal
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_PATIENCE_SECONDS = 50.0
SENDER = "Sign-in <no-reply@example.com>"

Stage = Literal["RCPT", "DATA"]
Security = Literal["none", "starttls", "tls"]
Fault = str  # "disconnect", "hang", or an answer such as "451 Try again later"


@dataclass(frozen=True, slots=True)
class Received:
    """One mail, as it came over the wire."""

    message: EmailMessage
    sender: str
    recipient: str
    over_tls: bool
    login: str | None

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    @property
    def link(self) -> str:
        """The line of the text that is a link with a token."""
        return next(line.strip() for line in self.text.splitlines() if "#token=" in line)

    @property
    def token(self) -> str:
        return self.link.partition("#token=")[2]

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        assert part is not None
        return str(part.get_content())


class Mailbox:
    """What a server was sent; `settings` make the service send there."""

    def __init__(self) -> None:
        self.settings: dict[str, object] = {}
        self.received: list[Received] = []
        self.connections = 0
        self.begun = 0
        self.asks_for_login = False
        self._faults: deque[tuple[Stage, Fault]] = deque()
        self._changed = threading.Condition()

    def fail_next(self, stage: Stage, fault: Fault, *, times: int = 1) -> None:
        """Answer so, or do so, at this stage of the next mails."""
        self._faults.extend([(stage, fault)] * times)

    @property
    def faults_left(self) -> int:
        return len(self._faults)

    def to(self, recipient: str) -> list[Received]:
        return [mail for mail in self.received if mail.recipient == recipient]

    def wait_until(self, has_come: Callable[[], bool], *, patience: float = _PATIENCE_SECONDS) -> None:
        """Return when it has come; from a test that is not async."""
        with self._changed:
            assert self._changed.wait_for(has_come, patience), f"only {len(self.received)} mails came"

    async def until(self, has_come: Callable[[], bool]) -> None:
        await anyio.to_thread.run_sync(self.wait_until, has_come)

    async def next_to(self, recipient: str) -> Received:
        """Return the oldest mail to an address that was not returned yet, as soon as there is one; it is removed."""
        await self.until(lambda: bool(self.to(recipient)))
        mail = self.to(recipient)[0]
        self.received.remove(mail)
        return mail

    def empty(self) -> None:
        self.received.clear()
        self._faults.clear()

    async def handle_MAIL(  # noqa: N802 - the server's name for it
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.asks_for_login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        self.begun += 1
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = await self._next_fault("RCPT", server)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = await self._next_fault("DATA", server)
        if answer is not None:
            return answer
        content = envelope.original_content or b""
        message = email.message_from_bytes(content, policy=email.policy.default)
        login = session.auth_data.decode() if session.auth_data else None
        [recipient] = envelope.rcpt_tos
        is_secure = cast("asyncio.Transport", server.transport).get_extra_info("ssl_object") is not None
        with self._changed:
            self.received.append(Received(message, str(envelope.mail_from), recipient, is_secure, login))
            self._changed.notify_all()
        return "250 OK"

    async def _next_fault(self, stage: Stage, server: SMTP) -> str | None:
        if not self._faults or self._faults[0][0] != stage:
            return None
        with self._changed:
            fault = self._faults.popleft()[1]
            self._changed.notify_all()
        if fault == "disconnect":
            cast("asyncio.Transport", server.transport).abort()
        if fault in {"disconnect", "hang"}:
            await asyncio.Event().wait()
        return fault


@contextmanager
def running_mailbox(
    *, tls: Security = "none", login: tuple[str, str] | None = None, certificate: Path | None = None
) -> Iterator[Mailbox]:
    """Run a server on a free port of this machine; for TLS `certificate` is where one is made."""
    mailbox = Mailbox()
    context = _make_certificate(certificate) if certificate else None
    parameters: dict[str, Any] = {"hostname": "mx.test", "enable_SMTPUTF8": True, "require_starttls": tls == "starttls"}
    if tls == "starttls":
        parameters["tls_context"] = context
    if login is not None:
        parameters |= {"auth_require_tls": tls == "starttls", "authenticator": _checking(login)}
        mailbox.asks_for_login = True

    def connect() -> SMTP:
        mailbox.connections += 1
        return SMTP(mailbox, loop=asyncio.get_running_loop(), **parameters)

    async def listen() -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(connect, "127.0.0.1", 0, ssl=context if tls == "tls" else None)

    with start_blocking_portal() as portal:
        server = portal.call(listen)
        mailbox.settings = {
            "transport": "smtp",
            "host": "127.0.0.1",
            "port": server.sockets[0].getsockname()[1],
            "security": tls,
            "sender": SENDER,
            **({"ca_file": str(certificate)} if certificate else {}),
            **({"username": login[0], "password": login[1]} if login else {}),
        }
        try:
            yield mailbox
        finally:
            portal.call(server.close)


def _checking(login: tuple[str, str]) -> Callable[..., AuthResult]:
    def authenticate(*arguments: Any) -> AuthResult:
        given: LoginPassword = arguments[-1]
        matches = (given.login.decode(), given.password.decode()) == login
        return AuthResult(success=matches, handled=False, auth_data=given.login if matches else None)

    return authenticate


def _make_certificate(path: Path) -> ssl.SSLContext:
    """Write a certificate for 127.0.0.1 that is its own authority, with its key; return what serves with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx.test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
