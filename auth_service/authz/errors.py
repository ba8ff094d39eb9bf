"""What the authorization room refuses with."""

from uuid import UUID

from auth_service.errors import InvalidInputError, PermissionDeniedError


class AccessDeniedError(PermissionDeniedError):
    """The caller is known and may not do this."""

    code = "permission_denied"
    detail = "You are not allowed to do this."

    def __init__(self, action: str, *, owner_id: UUID | None = None, detail: str | None = None) -> None:
        """Keep for the record what was to be done, and to whose."""
        self.action = action
        self.owner_id = owner_id
        super().__init__(detail)


class InsufficientScopeError(AccessDeniedError):
    """The caller might do this, but not with a token of these scopes (RFC 6750 section 3.1)."""

    code = "insufficient_scope"

    def __init__(self, action: str, *, owner_id: UUID | None, scope: str) -> None:
        """Name the scope that would be enough."""
        self.scope = scope
        super().__init__(action, owner_id=owner_id, detail=f"This token does not have the scope {scope}.")


class UnknownScopeError(InvalidInputError):
    """A scope that this service does not have."""

    code = "invalid_scope"
    detail = "At least one of the scopes does not exist or cannot be granted to you."
