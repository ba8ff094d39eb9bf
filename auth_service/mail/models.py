"""The table of mail that is still to be sent."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import Field

from auth_service.db.base import Table


class OutboxMessage(Table, table=True):
    """A message that some transaction decided to send; its row is removed once it is sent.

    `sealed` is ciphertext: whom it is for and what is in it, one-time tokens too. `due_at` is when it is tried next,
    and so it is also what keeps the other replicas away while one sends it. `failed_at` is when it was given up.
    Moments are the database's.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_waiting_due_at",
            "due_at",
            postgresql_where=text("failed_at IS NULL"),
            sqlite_where=text("failed_at IS NULL"),
        ),
        Index(
            "ix_outbox_given_up_failed_at",
            "failed_at",
            postgresql_where=text("failed_at IS NOT NULL"),
            sqlite_where=text("failed_at IS NOT NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    kind: str = Field(max_length=64)
    sealed: bytes = Field(repr=False)
    created_at: datetime
    due_at: datetime
    attempts: int = 0
    failed_at: datetime | None = None
