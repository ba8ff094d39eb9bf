"""One's own account."""

from fastapi import APIRouter, Response

from auth_service.accounts.errors import LastAdministratorError
from auth_service.api.dependencies import Work
from auth_service.api.guards import CurrentPrincipal, CurrentUser
from auth_service.api.openapi import problems
from auth_service.users.models import User
from auth_service.users.schemas import Deactivation, PasswordChange, UserRead, UserUpdate

router = APIRouter(prefix="/users/me", tags=["account"])


@router.get("", response_model=UserRead, responses=problems(400, 401, 403))
async def read_me(user: CurrentUser, principal: CurrentPrincipal, work: Work) -> User:
    """Read one's own account."""
    return work.users.own(principal, user)


@router.patch("", response_model=UserRead, responses=problems(400, 401, 403, 409, 422))
async def update_me(change: UserUpdate, user: CurrentUser, principal: CurrentPrincipal, work: Work) -> User:
    """Change one's own account. What is not sent stays as it is."""
    return await work.account_update.update(principal, user.id, change)


@router.put("/password", status_code=204, response_class=Response, responses=problems(400, 401, 403, 422, 429))
async def change_my_password(
    change: PasswordChange, user: CurrentUser, principal: CurrentPrincipal, work: Work
) -> None:
    """Change one's password. Every token issued before is refused afterwards: sign in again."""
    await work.password_changer.change(principal, user.id, change)


@router.post(
    "/deactivate",
    status_code=204,
    response_class=Response,
    responses=problems(400, 401, 403, LastAdministratorError, 422, 429),
)
async def deactivate_me(proof: Deactivation, user: CurrentUser, principal: CurrentPrincipal, work: Work) -> None:
    """Disable one's own account, and sign out everywhere. Only an administrator can enable it again."""
    await work.account_deactivation.deactivate(principal, user.id, proof)
