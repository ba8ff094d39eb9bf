"""Where an account is signed in, and how to end that."""

from uuid import UUID

from fastapi import APIRouter, Response

from auth_service.accounts.errors import SessionNotFoundError
from auth_service.api.dependencies import Work
from auth_service.api.guards import CurrentAdminUser, CurrentPrincipal, CurrentUser
from auth_service.api.openapi import problems
from auth_service.api.pagination import Page, PageAnswer, everything
from auth_service.tokens.schemas import SessionRead

router = APIRouter(prefix="/users", tags=["sessions"])


@router.get("/me/sessions", response_model=Page[SessionRead], responses=problems(400, 401, 403))
async def list_my_sessions(user: CurrentUser, principal: CurrentPrincipal, work: Work) -> PageAnswer[SessionRead]:
    """List where one is signed in, the session used last first; there are a hundred at most."""
    return everything(await work.session_control.list(principal, user.id))


@router.post("/me/sessions/end-others", status_code=204, response_class=Response, responses=problems(400, 401, 403))
async def end_my_other_sessions(user: CurrentUser, principal: CurrentPrincipal, work: Work) -> None:
    """Sign out everywhere else: every session but the one that is calling ends."""
    await work.session_control.end_others(principal, user.id)


@router.delete(
    "/me/sessions/{session_id}",
    status_code=204,
    response_class=Response,
    responses=problems(400, 401, 403, SessionNotFoundError, 422),
)
async def end_my_session(session_id: UUID, user: CurrentUser, principal: CurrentPrincipal, work: Work) -> None:
    """End a session; ending the one that is calling signs out."""
    await work.session_control.end(principal, user.id, session_id)


@router.get("/{user_id}/sessions", response_model=Page[SessionRead], responses=problems(400, 401, 403, 404, 422))
async def list_sessions(
    user_id: UUID, _admin: CurrentAdminUser, principal: CurrentPrincipal, work: Work
) -> PageAnswer[SessionRead]:
    """List where an account is signed in. Administrators only."""
    return everything(await work.session_control.list(principal, user_id))


@router.post(
    "/{user_id}/sessions/end-all", status_code=204, response_class=Response, responses=problems(400, 401, 403, 404, 422)
)
async def end_all_sessions(user_id: UUID, _admin: CurrentAdminUser, principal: CurrentPrincipal, work: Work) -> None:
    """Sign an account out everywhere. Administrators only."""
    await work.session_control.end_all(principal, user_id)


@router.delete(
    "/{user_id}/sessions/{session_id}",
    status_code=204,
    response_class=Response,
    responses=problems(400, 401, 403, SessionNotFoundError, 422),
)
async def end_session(
    user_id: UUID, session_id: UUID, _admin: CurrentAdminUser, principal: CurrentPrincipal, work: Work
) -> None:
    """End a session of an account. Administrators only."""
    await work.session_control.end(principal, user_id, session_id)
