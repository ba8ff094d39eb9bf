"""Writes security events: what was done, in the transaction that does it; what was refused, in one of its own."""

from typing import Any
from uuid import UUID

from sqlalchemy import insert

from auth_service.audit.events import AuditEvent, Origin, Outcome
from auth_service.audit.models import AuditRecord
from auth_service.authz.principal import Principal
from auth_service.db.session import Session
from auth_service.db.uuid7 import uuid7


class AuditTrail:
    """The events of one unit of work.

    No secret, no password and no address belongs into `detail`: ids, field names and reasons only.
    """

    def __init__(self, session: Session, origin: Origin) -> None:
        """Write into `session`; every event of this unit of work has the same origin."""
        self._session = session
        self._origin = origin
        self._refusals: list[AuditRecord] = []
        self._recorded: list[AuditEvent] = []

    def record(
        self,
        event: AuditEvent,
        *,
        actor: Principal | None,
        subject: UUID | None = None,
        client_id: str | None = None,
        **detail: object,
    ) -> None:
        """Record what is being done; it is committed with it or not at all."""
        row = self._build(event, Outcome.SUCCESS, actor, subject=subject, client_id=client_id, **detail)
        self._session.insert_at_commit(_INSERTION, row)
        self._recorded.append(event)

    def record_refusal(
        self,
        event: AuditEvent,
        *,
        actor: Principal | None,
        subject: UUID | None = None,
        client_id: str | None = None,
        **detail: object,
    ) -> None:
        """Keep a refusal aside; the caller raises next, which rolls back everything but this."""
        row = self._build(event, Outcome.FAILURE, actor, subject=subject, client_id=client_id, **detail)
        self._refusals.append(AuditRecord(**row))

    def take_committed(self) -> list[AuditEvent]:
        """Hand over what `record` recorded, once that is committed; else nothing."""
        if self._session.insertions:
            return []
        committed, self._recorded = self._recorded, []
        return committed

    def take_refusals(self) -> list[AuditRecord]:
        """Hand over what `record_refusal` kept, for a transaction of its own."""
        refusals, self._refusals = self._refusals, []
        return refusals

    def _build(
        self,
        event: AuditEvent,
        outcome: Outcome,
        actor: Principal | None,
        *,
        subject: UUID | None,
        client_id: str | None,
        **detail: object,
    ) -> dict[str, Any]:
        """Return the row. `client_id` is the client that asked, also when it is not known who is asking by it."""
        return {
            "id": uuid7(self._origin.now),
            "occurred_at": self._origin.now,
            "event": event,
            "outcome": outcome,
            "actor_id": actor.subject if actor else None,
            "subject_id": subject,
            "client_id": client_id or (actor.client_id if actor else None),
            "network": self._origin.network,
            "request_id": self._origin.request_id,
            "detail": detail,
        }


_INSERTION = insert(AuditRecord)
