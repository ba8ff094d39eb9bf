"""The text that this service takes from strangers: what no database can store is refused at the door."""

import re
import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def refuse_unstorable(value: Any) -> Any:  # noqa: ANN401 - a validator sees whatever was sent
    """Raise ValueError for a NUL or a lone surrogate: JSON can spell both, PostgreSQL can store neither."""
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise ValueError("must not contain NUL or unpaired surrogate characters")
    return value


def refuse_unstorable_secret(secret: SecretStr) -> SecretStr:
    """Raise ValueError for what no text may have in it."""
    refuse_unstorable(secret.get_secret_value())
    return secret


def _strip(value: str) -> str:
    return value.strip()


def folded(text: str) -> str:
    """Return the one spelling of all spellings of a text: case and composition do not matter in it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


Storable = Annotated[str, BeforeValidator(refuse_unstorable)]
"""Text as it was sent."""

Text = Annotated[Storable, AfterValidator(_strip)]
"""A line of text, without the space around it."""
