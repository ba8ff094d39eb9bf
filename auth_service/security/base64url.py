"""Base64url without padding (RFC 7515 section 2), in its one spelling."""

import base64


def encode(raw: bytes) -> str:
    """Return the text for these bytes."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes for a text; raises ValueError when it is not the one spelling of any.

    Decoders ignore stray trailing bits, so that a signature would have several spellings.
    """
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(raw) != text:
        raise ValueError("not canonical base64url")
    return raw
