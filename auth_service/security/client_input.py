"""The base of every shape that a client writes."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class ClientInput(BaseModel):
    """What a client may send: the fields that are named, and no others."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


def absent() -> Any:  # noqa: ANN401 - stands for a value that is never read
    """Fill a field that was not sent; only the fields in `model_fields_set` are ever read."""
    return None
