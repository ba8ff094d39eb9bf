"""Reading security events: all of them as an administrator, or those around oneself."""

from dataclasses import dataclass
from uuid import UUID

from auth_service.audit.models import AuditRecord
from auth_service.audit.queries import AuditFilter
from auth_service.audit.repository import AuditRepository
from auth_service.audit.schemas import AuditEventRead
from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize
from auth_service.authz.principal import Principal
from auth_service.db.keyset import PageRequest, Slice
from auth_service.db.replica import Lists


@dataclass(frozen=True, slots=True)
class AuditService:
    """Both methods raise AccessDeniedError and InvalidPositionError."""

    lists: Lists

    async def search(self, principal: Principal, wanted: AuditFilter, page: PageRequest) -> Slice[AuditRecord]:
        """Return a page of all events to an administrator."""
        authorize(principal, Action.AUDIT_READ)
        return await self.lists.read(lambda session: AuditRepository(session).search(wanted, page))

    async def search_own(
        self, principal: Principal, user_id: UUID, wanted: AuditFilter, page: PageRequest
    ) -> Slice[AuditEventRead]:
        """Return a page of what somebody did, and of what was done to their account."""
        authorize(principal, Action.AUDIT_READ, owner_id=user_id)
        found = await self.lists.read(lambda session: AuditRepository(session).search_around(user_id, wanted, page))
        rows = [_seen_by(user_id, record) for record in found.rows]
        return Slice(rows=rows, next_position=found.next_position, count=found.count)


def _seen_by(user_id: UUID, record: AuditRecord) -> AuditEventRead:
    """Keep to oneself where somebody else was when they did something: an administrator is a person too.

    Where nobody was proven to act, as in a sign-in that failed, it stays: one has to see who knocks at one's own door.
    """
    event = AuditEventRead.model_validate(record)
    if record.actor_id in {None, user_id}:
        return event
    return event.model_copy(update={"network": None, "request_id": None})
