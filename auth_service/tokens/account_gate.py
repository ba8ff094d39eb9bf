"""Decides the one question "may this subject get or use tokens now?", for every grant and every guard."""

from uuid import UUID

from auth_service.tokens.errors import UnfitAccountError
from auth_service.users.models import User
from auth_service.users.repository import UserRepository


class AccountGate:
    """Asks the primary database each time: no fact about an account is ever remembered."""

    def __init__(self, users: UserRepository) -> None:
        """Read accounts through `users`."""
        self._users = users

    async def admit(self, subject: UUID, *, credential_epoch: int) -> User:
        """Return the account that a token speaks for, or raise UnfitAccountError."""
        return _fit(await self._users.find(subject), credential_epoch)

    async def admit_and_lock(self, subject: UUID, *, credential_epoch: int) -> User:
        """Like `admit`, and nobody else changes the account until this transaction ends.

        Whoever checked a password did so outside any transaction; this asks again whether that still counts.
        """
        return _fit(await self._users.find_for_update(subject), credential_epoch)


def _fit(user: User | None, credential_epoch: int) -> User:
    if user is None:
        raise UnfitAccountError("deleted")
    if not user.is_active:
        raise UnfitAccountError("disabled")
    if user.credential_epoch != credential_epoch:
        raise UnfitAccountError("credentials_changed")
    return user
