"""The tables of sessions, of what was revoked, and of signing keys."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, String, Uuid, text
from sqlmodel import Field

from auth_service.db.base import Table

MAX_USER_AGENT_LENGTH = 200


class SessionRecord(Table, table=True):
    """What a sign-in opened, or a service for itself; its id is the `sid` of every token that belongs to it.

    The refresh token is stored as digests of its current and its previous secret. While `successor_salt` is there, the
    current secret follows from the previous one: a client that lost an answer can be given the same one again.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        Index(
            "ix_sessions_live_user_id_last_used_at",
            "user_id",
            "last_used_at",
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_sessions_salted_rotated_at",
            "rotated_at",
            postgresql_where=text("successor_salt IS NOT NULL"),
            sqlite_where=text("successor_salt IS NOT NULL"),
        ),
        Index("ix_sessions_user_id", "user_id"),
        Index("ix_sessions_client_id", "client_id"),
        Index("ix_sessions_idle_expires_at", "idle_expires_at"),
    )

    id: UUID = Field(primary_key=True)
    user_id: UUID | None = Field(default=None, sa_column=Column(Uuid(), ForeignKey("users.id", ondelete="CASCADE")))
    client_id: str = Field(
        sa_column=Column(String(64), ForeignKey("oauth_clients.id", ondelete="CASCADE"), nullable=False)
    )
    credential_epoch: int
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    audiences: list[str] = Field(sa_column=Column(JSON, nullable=False))
    amr: list[str] = Field(sa_column=Column(JSON, nullable=False))
    network: str | None = Field(default=None, max_length=64)
    user_agent: str | None = Field(default=None, max_length=MAX_USER_AGENT_LENGTH)
    created_at: datetime
    last_used_at: datetime
    idle_expires_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    refresh_locator: str | None = Field(default=None, unique=True, max_length=22)
    current_digest: bytes | None = Field(default=None, repr=False)
    previous_digest: bytes | None = Field(default=None, repr=False)
    rotated_at: datetime | None = None
    successor_salt: bytes | None = Field(default=None, repr=False)
    derivation_key_id: str | None = Field(default=None, max_length=16)


class RevocationRecord(Table, table=True):
    """An entry of the revocation feed: what ended, as a digest, and until when tokens of it may have been issued.

    It has no foreign key, so that a deletion does not take it along.
    """

    __tablename__ = "revocations"

    seq: int = Field(sa_column=Column(BigInteger(), primary_key=True, autoincrement=False))
    kind: str = Field(max_length=8)
    digest: str = Field(max_length=43)
    before: datetime = Field(index=True)


class RevocationCounter(Table, table=True):
    """The one row that hands out the numbers of revocations; `epoch` names the life of this numbering."""

    __tablename__ = "revocation_counter"

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    seq: int = Field(sa_column=Column(BigInteger(), nullable=False))
    epoch: str = Field(max_length=32)


class KeyState(StrEnum):
    """What a signing key is used for now: nothing yet, signing, or only verifying what it signed before."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"


class SigningKeyRecord(Table, table=True):
    """A signing key at rest: the private part is ciphertext, the public part is derived from it when it is loaded.

    The indexes let there be one active and one next key at most. Moments are the database's.
    """

    __tablename__ = "signing_keys"
    __table_args__ = (
        Index(
            "uq_signing_keys_active",
            "state",
            unique=True,
            postgresql_where=text("state = 'active'"),
            sqlite_where=text("state = 'active'"),
        ),
        Index(
            "uq_signing_keys_next",
            "state",
            unique=True,
            postgresql_where=text("state = 'next'"),
            sqlite_where=text("state = 'next'"),
        ),
    )

    kid: str = Field(primary_key=True, max_length=64)
    algorithm: str = Field(max_length=16)
    state: str = Field(max_length=16)
    encrypted_private_key: bytes
    created_at: datetime
    activated_at: datetime | None = None
    retired_at: datetime | None = None
