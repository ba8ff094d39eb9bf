"""Column types that mean the same on PostgreSQL and on SQLite."""

from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Dialect, Numeric, String, TypeDecorator
from sqlalchemy.types import TypeEngine

_CENT = Decimal("0.01")


def code_point_text(length: int) -> TypeEngine[str]:
    """Text that both databases compare by code point.

    A language's collation would order and range-scan differently on each, and makes a plain index useless for prefixes.
    """
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Money(TypeDecorator[Decimal]):
    """NUMERIC(12, 2), exact on SQLite too, where it is stored as whole cents because SQLite only has floats."""

    impl = Numeric(12, 2)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Store cents on SQLite."""
        stored: TypeEngine[Any] = BigInteger() if dialect.name == "sqlite" else Numeric(12, 2)
        return dialect.type_descriptor(stored)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | int | None:
        """Turn an amount into what the database stores."""
        return int(value / _CENT) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Decimal | int | None, _dialect: Dialect) -> Decimal | None:
        """Turn what the database stores into an amount."""
        return value * _CENT if isinstance(value, int) else value
