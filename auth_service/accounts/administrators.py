"""Keeps the promise that no request and no command leaves the service without an active administrator."""

from uuid import UUID

from auth_service.accounts.errors import LastAdministratorError
from auth_service.users.repository import UserRepository


async def lock_and_spare_the_last(users: UserRepository, leaving: UUID) -> None:
    """Raise LastAdministratorError when nobody but `leaving` administers the service.

    Every active administrator is locked, in the order of their ids, before they are counted: of two administrators who
    remove each other at once, the second one waits here and then counts what the first one left.
    """
    administrators = await users.lock_active_administrators()
    if list(administrators) == [leaving]:
        raise LastAdministratorError
