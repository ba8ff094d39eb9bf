"""E-mail addresses: which ones are taken, and the one spelling under which an account is found."""

import unicodedata
from typing import Annotated

from email_validator import EmailNotValidError, ValidatedEmail, validate_email
from pydantic import AfterValidator, Field, WithJsonSchema

from auth_service.security.text import Text

MAX_EMAIL_LENGTH = 254


def normalize_email(address: str) -> str:
    """Return the key of every look-up: one for all spellings of an address (case, composition, space, IDN).

    Dots and plus signs are kept: what they mean is for the receiving host to say. Raises ValueError.
    """
    parts = _parse(address.strip())
    local_part = unicodedata.normalize("NFC", unicodedata.normalize("NFC", parts.local_part).casefold())
    return f"{local_part}@{parts.ascii_domain}"


def _parse(address: str) -> ValidatedEmail:
    try:
        return validate_email(address, check_deliverability=False)
    except (EmailNotValidError, UnicodeError):
        raise ValueError("is not an e-mail address that mail can be sent to") from None


def _checked(address: str) -> str:
    """Refuse what has no key; the key of an address fits where the address does.

    The parser measures the bytes of the address with its domain as A-labels, and case folding makes no more characters
    than there were bytes.
    """
    normalize_email(address)
    return address


EmailAddress = Annotated[
    Text,
    Field(max_length=MAX_EMAIL_LENGTH),
    AfterValidator(_checked),
    WithJsonSchema(
        {"type": "string", "format": "email", "maxLength": MAX_EMAIL_LENGTH, "examples": ["ann@example.com"]}
    ),
]
"""An address as it was given: mail goes to this spelling."""
