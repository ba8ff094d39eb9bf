"""What is stored about oneself, as one document."""

from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from auth_service.accounts.export import MAX_EXPORTED, Exported
from auth_service.api.dependencies import Work
from auth_service.api.guards import CurrentPrincipal, CurrentUser
from auth_service.api.openapi import problems
from auth_service.audit.schemas import AuditEventRead
from auth_service.items.schemas import ItemRead
from auth_service.tokens.schemas import SessionDetail
from auth_service.users.schemas import UserRead

router = APIRouter(prefix="/users/me", tags=["account"])


class SecondFactorExport(BaseModel):
    """An authenticator app."""

    model_config = ConfigDict(from_attributes=True)

    created_at: datetime
    confirmed_at: datetime | None
    recovery_codes: int = Field(description="How many are left.")


class OneTimeTokenExport(BaseModel):
    """A link that was mailed."""

    model_config = ConfigDict(from_attributes=True)

    purpose: str
    email: str
    created_at: datetime
    expires_at: datetime


class AccountExportRead(BaseModel):
    """What is stored about a person, but for what only proves who they are; each long list says whether it is all."""

    model_config = ConfigDict(from_attributes=True)

    exported_at: datetime
    account: UserRead
    has_password: bool
    second_factor: SecondFactorExport | None
    one_time_tokens: list[OneTimeTokenExport]
    sessions: list[SessionDetail] = Field(
        description=f"The newest {MAX_EXPORTED}, those that have ended too; GET /users/me/sessions has all live ones."
    )
    sessions_complete: bool
    items: list[ItemRead] = Field(description=f"The newest {MAX_EXPORTED}; GET /items has all of them.")
    items_complete: bool
    audit_events: list[AuditEventRead] = Field(
        description=f"The newest {MAX_EXPORTED}; GET /users/me/audit-events has all of them."
    )
    audit_events_complete: bool


@router.get("/export", response_model=AccountExportRead, responses=problems(400, 401, 403, 429))
async def export_my_account(user: CurrentUser, principal: CurrentPrincipal, work: Work, response: Response) -> Exported:
    """Download what is stored about oneself: account, second factor, links, sessions, items and events.

    A narrowed token needs `profile:read` and `items:read`.
    """
    response.headers["Content-Disposition"] = 'attachment; filename="account.json"'
    return await work.account_export.export(principal, user.id)
