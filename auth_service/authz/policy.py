"""EVERY authorization rule of the service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, true
from sqlalchemy.orm import Mapped

from auth_service.authz.actions import Action
from auth_service.authz.errors import AccessDeniedError, InsufficientScopeError
from auth_service.authz.principal import Principal
from auth_service.authz.scopes import OWNER_SCOPES, Scope


@dataclass(frozen=True, slots=True)
class Relation:
    """A way in which a caller can be entitled, and the scope that a token needs for it."""

    holds: Callable[[Principal, UUID | None], bool]
    scope_for: Callable[[Action], Scope]


owner = Relation(
    holds=lambda principal, owner_id: owner_id is not None and principal.subject == owner_id,
    scope_for=lambda action: OWNER_SCOPES[action],
)
superuser = Relation(
    holds=lambda principal, _owner_id: principal.is_superuser,
    scope_for=lambda _action: Scope.ADMIN,
)

Rule = tuple[Relation, ...]


def any_of(*relations: Relation) -> Rule:
    """Any one of these relations is enough."""
    return relations


RULES: Mapping[Action, Rule] = {
    Action.USER_READ: any_of(owner, superuser),
    Action.USER_SEARCH: any_of(superuser),
    Action.USER_CREATE: any_of(superuser),  # registration is not an action: it is open to anybody or closed
    Action.USER_UPDATE: any_of(owner, superuser),  # updates need self-or-superuser
    Action.USER_ADMINISTER: any_of(superuser),  # is_active, is_superuser, email_verified, any e-mail address
    Action.USER_DELETE: any_of(superuser),  # deletes are admin-only
    Action.USER_DEACTIVATE: any_of(owner),  # by their password; administrators disable by USER_ADMINISTER
    Action.USER_EXPORT: any_of(owner),
    Action.PASSWORD_CHANGE: any_of(owner),
    Action.EMAIL_CHANGE: any_of(owner),  # with a proof; administrators change addresses by USER_ADMINISTER
    Action.RECOVERY_START: any_of(superuser),
    Action.USER_INVITE: any_of(superuser),
    Action.SECOND_FACTOR_READ: any_of(owner),
    Action.SECOND_FACTOR_CHANGE: any_of(owner),
    Action.SECOND_FACTOR_REMOVE: any_of(superuser),  # for somebody who has lost it
    Action.SESSION_READ: any_of(owner, superuser),
    Action.SESSION_END: any_of(owner, superuser),
    Action.ITEM_CREATE: any_of(owner),
    Action.ITEM_READ: any_of(owner, superuser),
    Action.ITEM_UPDATE: any_of(owner, superuser),
    Action.ITEM_DELETE: any_of(superuser),  # deletes are admin-only, items too
    Action.CLIENT_ADMINISTER: any_of(superuser),
    Action.AUDIT_READ: any_of(owner, superuser),  # owner: of the events around oneself
}


def is_entitled(principal: Principal, action: Action, *, owner_id: UUID | None = None) -> bool:
    """Say whether `principal` might do `action`, whatever their token is narrowed to."""
    return bool(_entitlements(principal, action, owner_id))


def authorize(principal: Principal, action: Action, *, owner_id: UUID | None = None) -> None:
    """Return when `principal` may do `action` to what `owner_id` owns.

    Raises InsufficientScopeError when only the token's scopes are in the way, AccessDeniedError otherwise.
    """
    entitled = _entitlements(principal, action, owner_id)
    if not entitled:
        raise AccessDeniedError(action, owner_id=owner_id)
    scopes = [relation.scope_for(action) for relation in entitled]
    if principal.scopes.isdisjoint(scopes):
        raise InsufficientScopeError(action, owner_id=owner_id, scope=scopes[0])


def visible_owner(principal: Principal, action: Action) -> UUID | None:
    """Return the only owner whose rows `principal` may do `action` to, or None when that is everybody.

    Raises like `authorize` when the rule or the token's scopes leave none.
    """
    if superuser in RULES[action] and superuser.holds(principal, None) and Scope.ADMIN in principal.scopes:
        return None
    authorize(principal, action, owner_id=principal.subject)
    return principal.subject


def visible_to(principal: Principal, action: Action, owner_column: Mapped[UUID]) -> ColumnElement[bool]:
    """Say in SQL which rows `principal` may do `action` to: the rule of an owned resource, inside the query.

    Raises like `visible_owner`.
    """
    owner_id = visible_owner(principal, action)
    return true() if owner_id is None else owner_column == owner_id


def _entitlements(principal: Principal, action: Action, owner_id: UUID | None) -> list[Relation]:
    return [relation for relation in RULES[action] if relation.holds(principal, owner_id)]
