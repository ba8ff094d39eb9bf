"""Makes a message of what was rendered, so that nothing in it can become a header of its own."""

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from auth_service.mail.templates import RenderedMail


class UnsendableAddressError(Exception):
    """No mail can be sent to such an address."""


def build_message(
    rendered: RenderedMail, *, recipient: str, sender: Address, message_id: UUID, now: datetime
) -> EmailMessage:
    """Return the message; the same `message_id` makes a duplicate known for what it is. Raises UnsendableAddressError.

    The addresses are parsed and built anew, and a header is refused by the library when there is a line break in it.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = _parse_recipient(recipient)
    message["Subject"] = rendered.subject
    message["Date"] = now
    message["Message-ID"] = f"<{message_id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5: no out-of-office reply is wanted
    message["Content-Language"] = rendered.language
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    return message


def _parse_recipient(recipient: str) -> Address:
    try:
        validated = validate_email(recipient, check_deliverability=False)
        return Address(username=validated.local_part, domain=validated.ascii_domain)
    except (EmailNotValidError, UnicodeError, ValueError, IndexError):
        raise UnsendableAddressError from None
