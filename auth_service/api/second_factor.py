"""The second factor of an account: an authenticator app, and recovery codes."""

from uuid import UUID

from fastapi import APIRouter, Response

from auth_service.accounts.errors import TotpEnabledError, TotpNotFoundError
from auth_service.api.dependencies import Work
from auth_service.api.guards import CurrentAdminUser, CurrentPrincipal, CurrentUser
from auth_service.api.openapi import problems
from auth_service.authenticators.schemas import RecoveryCodesRead, TotpConfirmation, TotpEnrolment, TotpRead

router = APIRouter(prefix="/users", tags=["second factor"])


@router.get("/me/totp", responses=problems(400, 401, 403))
async def read_my_totp(user: CurrentUser, principal: CurrentPrincipal, work: Work) -> TotpRead:
    """Read whether an authenticator app is needed to sign in, and how many recovery codes are left."""
    return await work.second_factor_control.read(principal, user.id)


@router.post("/me/totp", status_code=201, responses=problems(400, 401, 403, TotpEnabledError, 429))
async def enrol_totp(user: CurrentUser, principal: CurrentPrincipal, work: Work) -> TotpEnrolment:
    """Set up an authenticator app. It counts once it is confirmed; until then the next call replaces it.

    For accounts whose address is verified, soon after a sign-in.
    """
    return await work.second_factor_control.enrol(principal, user.id)


@router.post("/me/totp/confirm", responses=problems(400, 401, 403, TotpEnabledError, 422))
async def confirm_totp(
    confirmation: TotpConfirmation, user: CurrentUser, principal: CurrentPrincipal, work: Work
) -> RecoveryCodesRead:
    """Confirm the app with a code that it shows, and get the recovery codes.

    Every token issued before is refused afterwards: sign in again, with the next code.
    """
    return await work.second_factor_control.confirm(principal, user.id, confirmation)


@router.delete(
    "/me/totp", status_code=204, response_class=Response, responses=problems(400, 401, 403, TotpNotFoundError)
)
async def remove_my_totp(user: CurrentUser, principal: CurrentPrincipal, work: Work) -> None:
    """Remove the app and the recovery codes, soon after a sign-in. Every token issued before is refused."""
    await work.second_factor_control.remove(principal, user.id)


@router.post("/me/recovery-codes", responses=problems(400, 401, 403, TotpNotFoundError))
async def renew_my_recovery_codes(user: CurrentUser, principal: CurrentPrincipal, work: Work) -> RecoveryCodesRead:
    """Get new recovery codes, soon after a sign-in. The old ones are good for nothing from then on."""
    return await work.second_factor_control.renew_recovery_codes(principal, user.id)


@router.delete(
    "/{user_id}/totp",
    status_code=204,
    response_class=Response,
    responses=problems(400, 401, 403, TotpNotFoundError, 422),
)
async def remove_totp(user_id: UUID, _admin: CurrentAdminUser, principal: CurrentPrincipal, work: Work) -> None:
    """Remove the app and the recovery codes of somebody who has lost both, and sign them out. Administrators only.

    Soon after the administrator's own sign-in.
    """
    await work.second_factor_control.remove_as_administrator(principal, user_id)
