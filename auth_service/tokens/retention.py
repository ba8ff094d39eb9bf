"""How long sessions and revocations are kept after their end, and their removal."""

from dataclasses import dataclass
from datetime import timedelta

from auth_service.tokens.revocations import Revocations
from auth_service.tokens.session_repository import SessionRepository
from auth_service.tokens.settings import TokenSettings

_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Retention:
    """One unit of work removes one batch of each, so that nobody waits for long; nothing depends on when it is done.

    Ages are the database's. A salt is of no use after the replay window: then its successor is not given again. A
    session is kept for as long as its last access token might be good, so that whoever comes back with one of its
    tokens is known. A revocation is kept for longer than any token that it ends.
    """

    session_repository: SessionRepository
    revocations: Revocations
    settings: TokenSettings

    async def forget_batch(self) -> bool:
        """Forget some of what is over; say whether there may be more."""
        settings = self.settings
        more_entries = await self.revocations.delete_outlived(older_than=settings.revocations_listed_for + _MARGIN)
        more_salts = await self.session_repository.wipe_salts(older_than=settings.refresh_replay_window)
        more_sessions = await self.session_repository.delete_expired(older_than=settings.revocations_matter_for)
        return more_entries or more_salts or more_sessions
