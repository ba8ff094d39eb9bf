"""What an operator may say about mail."""

import ipaddress
from datetime import timedelta
from email.headerregistry import Address
from email.utils import getaddresses
from enum import StrEnum
from pathlib import Path

from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from auth_service.security.base_url import parse_base_url


class MailTransport(StrEnum):
    """Where mail goes."""

    OFF = "off"
    CONSOLE = "console"
    SMTP = "smtp"


class MailSecurity(StrEnum):
    """How the connection to the SMTP server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


_PORTS = {MailSecurity.STARTTLS: 587, MailSecurity.TLS: 465, MailSecurity.NONE: 25}


class MailSettings(BaseModel):
    """`AUTH_MAIL__*`."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    transport: MailTransport = Field(
        default=MailTransport.OFF,
        description="Where mail goes: smtp, console (it is printed), or off (what needs mail is not available).",
        examples=["smtp"],
    )
    host: str = Field(default="", description="The SMTP server.", examples=["smtp.example.com"])
    port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        description="Its port; 0 means the usual one: 587 for starttls, 465 for tls, 25 for none.",
        examples=[587],
    )
    security: MailSecurity = Field(
        default=MailSecurity.STARTTLS,
        description="How the connection is protected: starttls, tls (from its start), or none.",
        examples=["starttls"],
    )
    ca_file: Path | None = Field(
        default=None,
        description="A file of certificates (PEM) that the server's is verified with; the system's if not set.",
        examples=["/etc/ssl/private-ca.pem"],
    )
    username: str = Field(default="", description="The name to log in with; no login if not set.", examples=["auth"])
    password: SecretStr = Field(
        default=SecretStr(""), description="The password to log in with.", examples=["<the password of that login>"]
    )
    sender: str = Field(
        default="", description="Whom mail comes from.", examples=["Example accounts <no-reply@example.com>"]
    )
    service_name: str = Field(
        default="",
        max_length=100,
        description="What mail calls this service; the issuer's host if not set.",
        examples=["Example accounts"],
    )
    link_base: str = Field(
        default="",
        description="The public URL of the pages that links in mail lead to; the issuer if not set.",
        examples=["https://app.example.com"],
    )
    language: str = Field(
        default="en",
        description="The language of mail to those who ask for none that there are templates in.",
        examples=["de"],
    )
    templates: Path | None = Field(
        default=None,
        description="A folder whose files replace the templates of the same name, such as en/verify-email.txt.",
        examples=["/etc/auth-service/mail"],
    )
    send_timeout: timedelta = Field(
        default=timedelta(seconds=15),
        ge=timedelta(milliseconds=100),
        le=timedelta(minutes=5),
        description="How long composing and sending one mail may take; after twice that another try begins (ISO 8601).",
        examples=["PT15S"],
    )
    poll_interval: timedelta = Field(
        default=timedelta(seconds=2),
        gt=timedelta(0),
        le=timedelta(hours=1),
        description="How often each replica looks for mail that other replicas queued or could not send (ISO 8601).",
        examples=["PT2S"],
    )
    retry_after: timedelta = Field(
        default=timedelta(seconds=15),
        gt=timedelta(0),
        le=timedelta(hours=1),
        description="When mail is tried again after a failure; twice as long each time, at most an hour (ISO 8601).",
        examples=["PT15S"],
    )
    give_up_after: timedelta = Field(
        default=timedelta(days=3),
        ge=timedelta(0),
        description="For how long mail is tried (ISO 8601).",
        examples=["P3D"],
    )
    given_up_kept_for: timedelta = Field(
        default=timedelta(days=30),
        ge=timedelta(0),
        description="For how long it is kept that some mail was given up, without what was in it (ISO 8601).",
        examples=["P30D"],
    )

    @property
    def is_on(self) -> bool:
        """Whether mail is sent at all."""
        return self.transport is not MailTransport.OFF

    @property
    def effective_port(self) -> int:
        """The port that is connected to."""
        return self.port or _PORTS[self.security]

    @property
    def is_local(self) -> bool:
        """Whether the SMTP server is on this machine, so that no network sees what is sent."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def from_address(self) -> Address:
        """The sender, in its parts; what is printed needs none."""
        return _parse_sender(self.sender) if self.sender else Address("", "no-reply", "localhost")

    @property
    def lease(self) -> timedelta:
        """For how long the replica that claimed a mail has it to itself: longer than sending it may take."""
        return 2 * self.send_timeout

    @field_validator("password")
    @classmethod
    def _goes_with_a_name(cls, password: SecretStr, info: ValidationInfo) -> SecretStr:
        if bool(password.get_secret_value()) != bool(info.data.get("username")):
            raise ValueError("a login takes both, AUTH_MAIL__USERNAME and AUTH_MAIL__PASSWORD")
        return password

    @field_validator("host")
    @classmethod
    def _needed_for_smtp(cls, host: str, info: ValidationInfo) -> str:
        if not host and info.data.get("transport") is MailTransport.SMTP:
            raise ValueError("mail by SMTP needs a server")
        return host

    @field_validator("sender")
    @classmethod
    def _is_an_address(cls, sender: str, info: ValidationInfo) -> str:
        if sender:
            _parse_sender(sender)
        elif info.data.get("transport") is MailTransport.SMTP:
            raise ValueError("mail by SMTP needs a sender")
        return sender

    @field_validator("link_base")
    @classmethod
    def _is_a_base_url(cls, url: str) -> str:
        return parse_base_url(url) if url else url

    @field_validator("ca_file", "templates")
    @classmethod
    def _exists(cls, path: Path | None) -> Path | None:
        if path is not None and not path.exists():
            raise ValueError("there is no such file or folder")
        return path


def _parse_sender(sender: str) -> Address:
    if not sender.isprintable():
        raise ValueError("there are control characters in it")
    try:
        [(name, address)] = getaddresses([sender])
        validated = validate_email(address, check_deliverability=False)
        return Address(name, validated.local_part, validated.ascii_domain)
    except (EmailNotValidError, UnicodeError, ValueError, IndexError):
        raise ValueError("it is not an address that mail can come from") from None
