"""The table of security events: append-only, and without foreign keys, so that a deletion does not take it along."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field

from auth_service.db.base import Table


class AuditRecord(Table, table=True):
    """Who did what to what, from where, and whether it was allowed."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_subject_id_occurred_at", "subject_id", "occurred_at"),
        Index("ix_audit_events_actor_id_occurred_at", "actor_id", "occurred_at"),
        Index("ix_audit_events_network_occurred_at", "network", "occurred_at"),
        Index("ix_audit_events_event_occurred_at", "event", "occurred_at"),
        Index("ix_audit_events_client_id_occurred_at", "client_id", "occurred_at"),
        Index(
            "ix_audit_events_failed_occurred_at",
            "occurred_at",
            postgresql_where=text("outcome = 'failure'"),
            sqlite_where=text("outcome = 'failure'"),
        ),
    )

    id: UUID = Field(primary_key=True)
    occurred_at: datetime = Field(index=True)
    event: str = Field(max_length=64)
    outcome: str = Field(max_length=16)
    actor_id: UUID | None = None
    subject_id: UUID | None = None
    client_id: str | None = Field(default=None, max_length=64)
    network: str | None = Field(default=None, max_length=64)
    request_id: str | None = Field(default=None, max_length=64)
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
