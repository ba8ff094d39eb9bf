"""The record of security events: all of them for administrators, one's own for everybody."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from auth_service.api.dependencies import Work
from auth_service.api.guards import CurrentAdminUser, CurrentPrincipal, CurrentUser
from auth_service.api.openapi import problems
from auth_service.api.pagination import Moment, Page, PageAnswer, PageQuery, RequestCursors
from auth_service.audit.events import AuditEvent, Outcome
from auth_service.audit.models import AuditRecord
from auth_service.audit.queries import AuditFilter
from auth_service.audit.schemas import AuditEventRead
from auth_service.db.keyset import InvalidPositionError
from auth_service.security.text import Text

router = APIRouter(tags=["audit"])


class OwnAuditQuery(PageQuery):
    """Which of one's own events; the newest come first."""

    event: AuditEvent | None = Field(default=None, description="Only events of this kind.")
    outcome: Outcome | None = Field(default=None, description="Only what was done, or only what was refused.")
    occurred_from: Moment | None = Field(default=None, description="Occurred at this time or later.")
    occurred_before: Moment | None = Field(default=None, description="Occurred before this time.")

    def wanted(self) -> AuditFilter:
        """Return the filters in the form that the service takes."""
        return AuditFilter(**self.model_dump(exclude=set(PageQuery.model_fields)))


class AuditQuery(OwnAuditQuery):
    """Which events; the newest come first."""

    actor_id: UUID | None = Field(default=None, description="Only what this account did.")
    subject_id: UUID | None = Field(default=None, description="Only what was done to this account or item.")
    client_id: Text | None = Field(default=None, max_length=64, description="Only what came through this client.")
    network: Text | None = Field(default=None, max_length=64, description="Only what came from this address.")


@router.get(
    "/audit-events",
    response_model=Page[AuditEventRead],
    responses=problems(InvalidPositionError, 401, 403, 422),
)
async def list_audit_events(
    query: Annotated[AuditQuery, Query()],
    _admin: CurrentAdminUser,
    principal: CurrentPrincipal,
    cursors: RequestCursors,
    work: Work,
) -> PageAnswer[AuditRecord]:
    """Search the record of security events. Administrators only."""
    return cursors.answer(await work.audit_log.search(principal, query.wanted(), cursors.requested(query)))


@router.get(
    "/users/me/audit-events",
    response_model=Page[AuditEventRead],
    responses=problems(InvalidPositionError, 401, 403, 422),
)
async def list_my_audit_events(
    query: Annotated[OwnAuditQuery, Query()],
    user: CurrentUser,
    principal: CurrentPrincipal,
    cursors: RequestCursors,
    work: Work,
) -> PageAnswer[AuditEventRead]:
    """List what one did, and what was done to one's account.

    Where it came from is there for one's own requests and for those of nobody in particular, like a failed sign-in.
    """
    page = cursors.requested(query)
    return cursors.answer(await work.audit_log.search_own(principal, user.id, query.wanted(), page))
