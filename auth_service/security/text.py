"""The text that this service takes from strangers: what no database can store is refused at the door."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def refuse_unstorable(value: Any) -> Any:  # noqa: ANN401 - a validator sees whatever was sent
    """Raise ValueError for a NUL or a lone surrogate: JSON can spell both, PostgreSQL can store neither."""
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise ValueError("must not contain NUL or unpaired surrogate characters")
    return value


def _strip(value: str) -> str:
    return value.strip()


Storable = Annotated[str, BeforeValidator(refuse_unstorable)]
"""Text as it was sent."""

Text = Annotated[Storable, AfterValidator(_strip)]
"""A line of text, without the space around it."""


class ClientInput(BaseModel):
    """What a client may send: the fields that are named, and no others."""

    model_config = ConfigDict(extra="forbid")


def absent() -> Any:  # noqa: ANN401 - stands for a value that is never read
    """Fill a field that was not sent; only the fields in `model_fields_set` are ever read."""
    return None
