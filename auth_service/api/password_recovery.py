"""Getting a new password, or the first one, by mail."""

from uuid import UUID

from fastapi import APIRouter, Response

from auth_service.accounts.errors import NoPasswordError, PasswordExistsError
from auth_service.accounts.schemas import Accepted, MailRequest, PasswordRecoveryConfirm
from auth_service.api.dependencies import Work
from auth_service.api.guards import CurrentAdminUser, CurrentPrincipal
from auth_service.api.openapi import problems
from auth_service.authenticators.errors import InvalidOneTimeTokenError
from auth_service.mail.errors import MailOffError

router = APIRouter(tags=["proofs by mail"])


@router.post("/password-recoveries", status_code=202, responses=problems(400, MailOffError, 422, 429))
async def request_password_recovery(wanted: MailRequest, work: Work) -> Accepted:
    """Ask for a mail with which a forgotten password is replaced; the answer is the same whoever has the address."""
    return await work.password_recovery.request(wanted.email)


@router.post(
    "/password-recoveries/confirm",
    status_code=204,
    response_class=Response,
    responses=problems(400, InvalidOneTimeTokenError, 422, 429),
)
async def confirm_password_recovery(proof: PasswordRecoveryConfirm, work: Work) -> None:
    """Set a new password with the mailed token, of a recovery or of an invitation.

    Every token issued before is refused afterwards. It does not sign in.
    """
    await work.password_recovery.confirm(proof)


@router.post(
    "/users/{user_id}/password-recovery",
    status_code=202,
    responses=problems(400, 401, 403, 404, NoPasswordError, 422),
)
async def start_password_recovery(
    user_id: UUID, _admin: CurrentAdminUser, principal: CurrentPrincipal, work: Work
) -> Accepted:
    """Mail the account's person the means to set a new password. Administrators only."""
    return await work.password_recovery.start(principal, user_id)


@router.post(
    "/users/{user_id}/invitation",
    status_code=202,
    responses=problems(400, 401, 403, 404, PasswordExistsError, 422),
)
async def invite_user(user_id: UUID, _admin: CurrentAdminUser, principal: CurrentPrincipal, work: Work) -> Accepted:
    """Mail the person of an account without a password the means to set the first one. Administrators only."""
    return await work.password_recovery.invite(principal, user_id)
