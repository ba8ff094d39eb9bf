"""What can be asked of the audit."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_service.audit.events import AuditEvent, Outcome


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which events are wanted; None means "any". `occurred_from` is included, `occurred_before` is not."""

    event: AuditEvent | None = None
    outcome: Outcome | None = None
    actor_id: UUID | None = None
    subject_id: UUID | None = None
    client_id: str | None = None
    network: str | None = None
    occurred_from: datetime | None = None
    occurred_before: datetime | None = None
