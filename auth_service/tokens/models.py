"""The table of signing keys."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, text
from sqlmodel import Field

from auth_service.db.base import Table


class KeyState(StrEnum):
    """What a signing key is used for now."""

    ACTIVE = "active"


class SigningKeyRecord(Table, table=True):
    """A signing key at rest: the private part is ciphertext, the public part is derived from it when it is loaded."""

    __tablename__ = "signing_keys"
    __table_args__ = (
        Index(
            "uq_signing_keys_active_algorithm",
            "algorithm",
            unique=True,
            postgresql_where=text("state = 'active'"),
            sqlite_where=text("state = 'active'"),
        ),
    )

    kid: str = Field(primary_key=True, max_length=64)
    algorithm: str = Field(max_length=16)
    state: str = Field(max_length=16)
    encrypted_private_key: bytes
    created_at: datetime
