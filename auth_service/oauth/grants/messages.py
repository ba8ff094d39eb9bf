"""What every grant is given and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from auth_service.authz.scopes import Scope
from auth_service.clients.models import Client


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A parsed call of the token endpoint: a parameter without a value is not in `parameters`."""

    client: Client
    parameters: Mapping[str, str] = field(repr=False)
    scopes: frozenset[Scope] | None
    audiences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """What RFC 6749 section 5.1 answers; `expires_in` is in seconds."""

    access_token: str = field(repr=False)
    expires_in: int
    scope: str
