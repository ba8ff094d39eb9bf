"""Changing one's address."""

from fastapi import APIRouter, Response

from auth_service.accounts.schemas import Accepted, EmailChangeConfirm, EmailChangeRequest
from auth_service.api.dependencies import Work
from auth_service.api.guards import CurrentPrincipal, CurrentUser
from auth_service.api.openapi import problems
from auth_service.mail.errors import MailOffError

router = APIRouter(prefix="/users/me/email", tags=["proofs by mail"])


@router.post("", status_code=202, responses=problems(400, 401, 403, MailOffError, 422, 429))
async def request_my_email_change(
    change: EmailChangeRequest, user: CurrentUser, principal: CurrentPrincipal, work: Work
) -> Accepted:
    """Ask for another address, with the password. The mail that goes there has the token for the next step."""
    return await work.email_change.request(principal, user.id, change)


@router.post("/confirm", status_code=204, response_class=Response, responses=problems(400, 401, 403, 409, 422))
async def confirm_my_email_change(
    proof: EmailChangeConfirm, user: CurrentUser, principal: CurrentPrincipal, work: Work
) -> None:
    """Take the new address over. Every token issued before is refused afterwards: sign in again."""
    await work.email_change.confirm(principal, user.id, proof.token)
