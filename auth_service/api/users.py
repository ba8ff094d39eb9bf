"""Users: registration, reading, changing, deleting, and the administrators' search."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from auth_service.accounts.errors import LastAdministratorError
from auth_service.accounts.schemas import Accepted
from auth_service.api.dependencies import Work
from auth_service.api.guards import CurrentAdminUser, CurrentPrincipal, OptionalPrincipal
from auth_service.api.openapi import problems
from auth_service.api.pagination import Moment, Page, PageAnswer, PageQuery, RequestCursors
from auth_service.db.keyset import InvalidPositionError
from auth_service.security.text import Text
from auth_service.users.models import User
from auth_service.users.queries import UserFilter, UserSort
from auth_service.users.schemas import UserCreate, UserRead, UserUpdate

router = APIRouter(prefix="/users", tags=["users"])


class UserListQuery(PageQuery):
    """Which users, in which order."""

    q: Text | None = Field(
        default=None,
        max_length=200,
        description="Words that each begin the address, its domain, the username or a part of the name.",
        examples=["ann"],
    )
    is_active: bool | None = None
    is_superuser: bool | None = None
    email_verified: bool | None = None
    created_from: Moment | None = Field(default=None, description="Created at this time or later.")
    created_before: Moment | None = Field(default=None, description="Created before this time.")
    sort: UserSort = UserSort.CREATED

    def wanted(self) -> UserFilter:
        """Return the filters in the form that the service takes."""
        return UserFilter(
            search=self.q,
            is_active=self.is_active,
            is_superuser=self.is_superuser,
            email_verified=self.email_verified,
            created_from=self.created_from,
            created_before=self.created_before,
        )


@router.post(
    "",
    status_code=201,
    response_model=UserRead,
    responses={202: {"model": Accepted}, **problems(400, 401, 403, 409, 422, 429)},
)
async def create_user(new_user: UserCreate, principal: OptionalPrincipal, work: Work) -> User | Response:
    """Register. Where addresses have to be proven first: 202, whoever has the address, and the rest comes by mail.

    With an administrator's token: create an account, also when registration is closed, also without a password, and
    with `is_active`, `is_superuser` and `email_verified` if wanted.
    """
    return await work.registration.register(principal, new_user) or JSONResponse(Accepted().model_dump(), 202)


@router.get("", response_model=Page[UserRead], responses=problems(InvalidPositionError, 401, 403, 422))
async def list_users(
    query: Annotated[UserListQuery, Query()],
    _admin: CurrentAdminUser,
    principal: CurrentPrincipal,
    cursors: RequestCursors,
    work: Work,
) -> PageAnswer[User]:
    """Search the users. Administrators only."""
    found = await work.users.search(principal, query.wanted(), query.sort, cursors.requested(query))
    return cursors.answer(found)


@router.get("/{user_id}", response_model=UserRead, responses=problems(400, 401, 403, 404, 422))
async def read_user(user_id: UUID, principal: CurrentPrincipal, work: Work) -> User:
    """Read an account: one's own, or any as an administrator."""
    return await work.users.get(principal, user_id)


@router.patch("/{user_id}", response_model=UserRead, responses=problems(400, 401, 403, 404, 409, 422))
async def update_user(user_id: UUID, change: UserUpdate, principal: CurrentPrincipal, work: Work) -> User:
    """Change an account: one's own, or any as an administrator. What is not sent stays as it is."""
    return await work.account_update.update(principal, user_id, change)


@router.put("/{user_id}", response_model=UserRead, responses=problems(400, 401, 403, 404, 409, 422))
async def put_user(user_id: UUID, change: UserUpdate, principal: CurrentPrincipal, work: Work) -> User:
    """Change an account, like PATCH: what is not sent stays as it is."""
    return await work.account_update.update(principal, user_id, change)


@router.delete(
    "/{user_id}",
    status_code=204,
    response_class=Response,
    responses=problems(400, 401, 403, 404, LastAdministratorError, 422),
)
async def delete_user(user_id: UUID, _admin: CurrentAdminUser, principal: CurrentPrincipal, work: Work) -> None:
    """Delete an account and what it owns, for good. Administrators only."""
    await work.account_deletion.delete(principal, user_id)
