"""The removal of proofs by mail that nobody brought in time."""

from dataclasses import dataclass

from auth_service.accounts.pending_repository import PendingRegistrationRepository
from auth_service.authenticators.single_use_repository import SingleUseTokenRepository


@dataclass(frozen=True, slots=True)
class ProofRetention:
    """One unit of work removes one batch of each. Whether one is still good never depends on when this is done."""

    tokens: SingleUseTokenRepository
    attempts: PendingRegistrationRepository

    async def forget_batch(self) -> bool:
        """Forget some of what has expired; say whether there may be more."""
        more_tokens = await self.tokens.delete_expired()
        more_attempts = await self.attempts.delete_expired()
        return more_tokens or more_attempts
