"""The scopes of a token: which there are, what each of them allows, and who may have them."""

from collections.abc import Mapping
from enum import StrEnum

from auth_service.authz.actions import Action
from auth_service.authz.errors import UnknownScopeError


class Scope(StrEnum):
    """What a token can be narrowed to (RFC 6749 section 3.3)."""

    PROFILE_READ = "profile:read"
    PROFILE_WRITE = "profile:write"
    ITEMS_READ = "items:read"
    ITEMS_WRITE = "items:write"
    ADMIN = "admin"


SCOPE_DESCRIPTIONS: Mapping[Scope, str] = {
    Scope.PROFILE_READ: "Read your own account.",
    Scope.PROFILE_WRITE: "Change your own account and password.",
    Scope.ITEMS_READ: "Read your own items.",
    Scope.ITEMS_WRITE: "Create and change your own items.",
    Scope.ADMIN: "Act as an administrator, if you are one.",
}

OWNER_SCOPES: Mapping[Action, Scope] = {
    Action.USER_READ: Scope.PROFILE_READ,
    Action.USER_UPDATE: Scope.PROFILE_WRITE,
    Action.USER_DEACTIVATE: Scope.PROFILE_WRITE,
    Action.USER_EXPORT: Scope.PROFILE_READ,  # and ITEMS_READ, because one's items are in it
    Action.PASSWORD_CHANGE: Scope.PROFILE_WRITE,
    Action.EMAIL_CHANGE: Scope.PROFILE_WRITE,
    Action.SECOND_FACTOR_READ: Scope.PROFILE_READ,
    Action.SECOND_FACTOR_CHANGE: Scope.PROFILE_WRITE,
    Action.SESSION_READ: Scope.PROFILE_READ,
    Action.SESSION_END: Scope.PROFILE_WRITE,
    Action.ITEM_CREATE: Scope.ITEMS_WRITE,
    Action.ITEM_READ: Scope.ITEMS_READ,
    Action.ITEM_UPDATE: Scope.ITEMS_WRITE,
    Action.AUDIT_READ: Scope.PROFILE_READ,
}


def grantable_scopes(*, is_superuser: bool) -> frozenset[Scope]:
    """Return every scope that such a user may have."""
    return frozenset(Scope) if is_superuser else frozenset(Scope) - {Scope.ADMIN}


def parse_scopes(text: str) -> frozenset[Scope]:
    """Read a space-separated scope parameter, in which at least one is named. Raises UnknownScopeError."""
    try:
        scopes = frozenset(Scope(name) for name in text.split())
    except ValueError:
        raise UnknownScopeError from None
    if not scopes:
        raise UnknownScopeError
    return scopes


def format_scopes(scopes: frozenset[Scope]) -> str:
    """Write scopes as a scope parameter, in an order that does not depend on the run."""
    return " ".join(sorted(scopes))
