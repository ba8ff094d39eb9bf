"""Who is calling, once that is proven."""

from dataclasses import dataclass
from uuid import UUID

from auth_service.authz.scopes import Scope


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller; `scopes` is what the token that they hold was narrowed to.

    `credential_epoch` is the account's at the moment when the gate admitted it: whoever waits before acting compares.
    `session_id` is the session that the token belongs to.
    """

    subject: UUID | None
    is_superuser: bool
    scopes: frozenset[Scope]
    client_id: str | None
    credential_epoch: int = 0
    session_id: UUID | None = None


OPERATOR = Principal(subject=None, is_superuser=True, scopes=frozenset(Scope), client_id=None)
"""Whoever runs commands on the machine: they hold the database and the keys, so nothing is refused to them."""
