"""Reading users: one, or one page of those that an administrator looks for."""

from uuid import UUID

from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize
from auth_service.authz.principal import Principal
from auth_service.db.keyset import PageRequest, Slice
from auth_service.db.replica import Lists
from auth_service.users.models import User
from auth_service.users.queries import UserFilter, UserSort
from auth_service.users.repository import UserRepository


class UserService:
    """What may be read of users; everything that changes an account is in `accounts/`."""

    def __init__(self, users: UserRepository, lists: Lists) -> None:
        """Read through `users`, and lists where `lists` says."""
        self._users = users
        self._lists = lists

    async def get(self, principal: Principal, user_id: UUID) -> User:
        """Return a user to themselves or to an administrator; raises AccessDeniedError, UserNotFoundError."""
        authorize(principal, Action.USER_READ, owner_id=user_id)
        return await self._users.get(user_id)

    def own(self, principal: Principal, user: User) -> User:
        """Return to its owner an account that has just been read; raises AccessDeniedError for a narrowed token."""
        authorize(principal, Action.USER_READ, owner_id=user.id)
        return user

    async def search(self, principal: Principal, wanted: UserFilter, sort: UserSort, page: PageRequest) -> Slice[User]:
        """Return a page of users to an administrator; raises AccessDeniedError, InvalidPositionError."""
        authorize(principal, Action.USER_SEARCH)
        return await self._lists.read(lambda session: UserRepository(session).search(wanted, sort, page))
