"""Keeps two promises: somebody always administers the service, and nobody does who no longer may."""

from collections.abc import Set as AbstractSet
from uuid import UUID

from auth_service.accounts.errors import LastAdministratorError
from auth_service.authz.actions import Action
from auth_service.authz.errors import AccessDeniedError
from auth_service.authz.principal import Principal
from auth_service.users.repository import UserRepository


async def lock_administrators(
    users: UserRepository, principal: Principal, *, leaving: UUID | None = None
) -> AbstractSet[UUID]:
    """Ask once more, with every active administrator locked, whether `principal` is still one of them; return them all.

    A request may have waited for a hash or for a lock since the account gate admitted it, and its caller may have been
    demoted, disabled or deleted meanwhile: then AccessDeniedError. Raises LastAdministratorError when nobody would be
    left but `leaving`. The locks are taken in the order of the ids, so that of two administrators who remove each other
    at once the second one waits here, and then counts what the first one left.
    """
    epochs = await users.lock_active_administrators()
    if principal.subject is not None and epochs.get(principal.subject) != principal.credential_epoch:
        raise AccessDeniedError(Action.USER_ADMINISTER)
    if leaving is not None and epochs.keys() == {leaving}:
        raise LastAdministratorError
    return epochs.keys()
