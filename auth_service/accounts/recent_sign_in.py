"""Whether the caller has just proven who they are: asked before changes that a stolen token must not make."""

from dataclasses import dataclass
from datetime import timedelta

from auth_service.accounts.errors import ReauthenticationRequiredError
from auth_service.authz.principal import Principal
from auth_service.tokens.session_repository import SessionRepository


@dataclass(frozen=True, slots=True)
class RecentSignIn:
    """A refresh does not make a session any younger; its age is the database's."""

    session_repository: SessionRepository
    max_age: timedelta

    async def demand(self, principal: Principal) -> None:
        """Raise ReauthenticationRequiredError unless the caller's session was opened lately."""
        session_id = principal.session_id
        standing = await self.session_repository.standing_of(session_id) if session_id else None
        if standing is None or standing.now - standing.created_at > self.max_age:
            raise ReauthenticationRequiredError(self.max_age)
