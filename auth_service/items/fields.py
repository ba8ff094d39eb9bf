"""The fields of an item that clients write, each with its limits."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field, PlainSerializer, WithJsonSchema

from auth_service.security.text import Text

MAX_TITLE_LENGTH = 200
MAX_DESCRIPTION_LENGTH = 10_000
MAX_PRICE = Decimal("9999999999.99")
_CENT = Decimal("0.01")

Title = Annotated[Text, Field(min_length=1, max_length=MAX_TITLE_LENGTH, examples=["A blue bicycle"])]
Description = Annotated[Text, Field(max_length=MAX_DESCRIPTION_LENGTH, examples=["Ridden twice."])]


def _in_cents(amount: Decimal) -> Decimal:
    """Write the amount one way: `0e999999999` is a zero that PostgreSQL's driver cannot encode, and -0 is 0."""
    return amount.quantize(_CENT) + 0


Price = Annotated[
    Decimal,
    Field(ge=0, le=MAX_PRICE, max_digits=12, decimal_places=2),
    AfterValidator(_in_cents),
    PlainSerializer(float, return_type=float, when_used="json"),
    WithJsonSchema(
        {"type": "number", "minimum": 0, "maximum": float(MAX_PRICE), "multipleOf": 0.01, "examples": [129.5]}
    ),
]
"""An exact amount, NUMERIC(12, 2); a JSON number on the wire."""
