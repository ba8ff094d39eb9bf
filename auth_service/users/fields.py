"""The fields of an account that clients write, each with its limits."""

import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from auth_service.security.text import Text, refuse_unstorable_secret

MAX_NAME_LENGTH = 200
MAX_USERNAME_LENGTH = 32
MAX_PASSWORD_LENGTH = 256
USERNAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{2,31}$"

Username = Annotated[
    Text,
    Field(
        pattern=USERNAME_PATTERN,
        description="3 to 32 of a-z, 0-9, dot, underscore and hyphen; it cannot collide with an address.",
        examples=["ann"],
    ),
]

FullName = Annotated[Text, Field(max_length=MAX_NAME_LENGTH, examples=["Ann Example"])]


def composed_password(password: str) -> str:
    """Normalise (NFC) before the characters are counted: how a keyboard spells a letter must not matter.

    Raises ValueError for more than any spelling of a password has: normalising takes time by the square of the length.
    """
    if len(password) > 4 * MAX_PASSWORD_LENGTH:
        message = f"a password has at most {MAX_PASSWORD_LENGTH} characters"
        raise ValueError(message)
    return unicodedata.normalize("NFC", password)


def _composed(password: Any) -> Any:  # noqa: ANN401 - a validator sees whatever was sent
    return composed_password(password) if isinstance(password, str) else password


Password = Annotated[
    SecretStr,
    Field(
        min_length=1,
        max_length=MAX_PASSWORD_LENGTH,
        description=f"Up to {MAX_PASSWORD_LENGTH} characters, every one of which counts.",
        examples=["correct horse battery staple"],
    ),
    BeforeValidator(_composed),
    AfterValidator(refuse_unstorable_secret),
]
