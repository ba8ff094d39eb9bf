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
        facts = await self.session_repository.find(principal.session_id) if principal.session_id else None
        if facts is None or facts.now - facts.session.created_at > self.max_age:
            raise ReauthenticationRequiredError(self.max_age)
