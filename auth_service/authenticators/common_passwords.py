"""The passwords that are guessed first: those of the package, and an operator's own."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from auth_service.security.text import folded

_SHIPPED = files(__package__).joinpath("common_passwords.txt")
_COMMENT = "# "


def common_passwords(more: Path | None) -> frozenset[str]:
    """Return every common password, folded; `more` is a file of the same format. Raises OSError, UnicodeDecodeError."""
    return _shipped() | read_passwords(more.read_text("utf-8-sig")) if more else _shipped()


def read_passwords(text: str) -> frozenset[str]:
    """Read one password a line; a line that begins with a number sign and a space, or is empty, says nothing."""
    lines = (line.rstrip("\r") for line in text.split("\n"))
    return frozenset(folded(line) for line in lines if line and not line.startswith(_COMMENT))


@cache
def _shipped() -> frozenset[str]:
    return read_passwords(_SHIPPED.read_text("utf-8"))
