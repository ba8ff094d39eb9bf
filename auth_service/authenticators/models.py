"""The tables of what proves who somebody is, besides the password: one-time tokens, one-time codes, and how often."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, ForeignKey, Index, UniqueConstraint, Uuid, text
from sqlmodel import Field

from auth_service.db.base import Table
from auth_service.users.email_address import MAX_EMAIL_LENGTH


class SingleUseToken(Table, table=True):
    """A token that was mailed to somebody, good once: an account has one of a purpose at most, the newest.

    It is bound to the account's `credential_epoch` at that time, and to the address that it was sent to: after a change
    of either it is of no use. Moments are the database's.
    """

    __tablename__ = "single_use_tokens"
    __table_args__ = (UniqueConstraint("user_id", "purpose", name="uq_single_use_tokens_user_id_purpose"),)

    digest: bytes = Field(primary_key=True, repr=False)
    purpose: str = Field(max_length=32)
    user_id: UUID = Field(sa_column=Column(Uuid(), ForeignKey("users.id", ondelete="CASCADE"), nullable=False))
    credential_epoch: int
    email: str = Field(max_length=MAX_EMAIL_LENGTH)
    created_at: datetime
    expires_at: datetime = Field(index=True)


class TotpCredential(Table, table=True):
    """What a person's authenticator app shares with this service; it counts once it is confirmed by a code.

    The seed is ciphertext. `last_step` is the time step of the last code that was used: none is good twice.
    """

    __tablename__ = "totp_credentials"
    __table_args__ = (
        Index(
            "ix_totp_credentials_unconfirmed_created_at",
            "created_at",
            postgresql_where=text("confirmed_at IS NULL"),
            sqlite_where=text("confirmed_at IS NULL"),
        ),
    )

    user_id: UUID = Field(sa_column=Column(Uuid(), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True))
    sealed_seed: bytes = Field(repr=False)
    last_step: int = Field(default=0, sa_column=Column(BigInteger(), nullable=False))
    created_at: datetime
    confirmed_at: datetime | None = None


class RecoveryCode(Table, table=True):
    """A code that stands in for a lost authenticator app, once: using it removes the row."""

    __tablename__ = "recovery_codes"

    digest: bytes = Field(primary_key=True, repr=False)
    user_id: UUID = Field(
        sa_column=Column(Uuid(), ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    created_at: datetime


class ThrottleCounter(Table, table=True):
    """How often something was tried in a window of time that ends at `expires_at`; the key is a digest."""

    __tablename__ = "throttle_counters"

    key: str = Field(primary_key=True, max_length=128)
    count: int
    expires_at: datetime = Field(index=True)
