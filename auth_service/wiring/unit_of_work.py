"""The services of one unit of work: what the edge and the commands call."""

from uuid import UUID

from auth_service.accounts.pending_repository import PendingRegistrationRepository
from auth_service.accounts.proof_retention import ProofRetention
from auth_service.audit.events import AuditEvent
from auth_service.authenticators.single_use_repository import SingleUseTokenRepository
from auth_service.authenticators.throttle_database import forget_expired_counters
from auth_service.authz.principal import Principal
from auth_service.mail.repository import OutboxRepository
from auth_service.security.secrets import Rewrapped
from auth_service.tokens.key_inventory import KeyInventory
from auth_service.tokens.key_repository import SigningKeyRepository
from auth_service.tokens.key_rotation import KeyRotation
from auth_service.tokens.retention import Retention
from auth_service.users.service import UserService
from auth_service.wiring.account_services import AccountServices
from auth_service.wiring.oauth_services import OAuthServices


class UnitOfWork(AccountServices, OAuthServices):
    """The services of one request or command."""

    @property
    def users(self) -> UserService:
        """Reading users."""
        return UserService(self._users, self._lists)

    @property
    def queued_mail(self) -> OutboxRepository:
        """The queued mail, and what became of it."""
        return OutboxRepository(self.session)

    @property
    def signing_keys(self) -> SigningKeyRepository:
        """The stored signing keys."""
        return SigningKeyRepository(self.session)

    @property
    def key_rotation(self) -> KeyRotation:
        """Changing signing keys."""
        parts = self._parts
        return KeyRotation(self.signing_keys, parts.key_safe, self.audit, self.revocations, parts.settings.tokens)

    @property
    def key_inventory(self) -> KeyInventory:
        """Listing signing keys, and encrypting them anew."""
        parts = self._parts
        return KeyInventory(self.signing_keys, parts.key_safe, self.audit, parts.settings.tokens)

    async def rewrap_mail(self, actor: Principal, *, after: UUID | None) -> Rewrapped:
        """Encrypt a batch of the queued mail under the first master key."""
        batch = await self.queued_mail.rewrap_batch(self._parts.outbox_box, after=after)
        if batch.changed:
            self.audit.record(AuditEvent.QUEUED_MAIL_REWRAPPED, actor=actor, count=batch.changed)
        return batch

    async def forget_batch(self) -> bool:
        """Remove some of what is over; say whether there may be more."""
        retention = Retention(self._session_repository, self.revocations, self._parts.settings.tokens)
        proofs = ProofRetention(SingleUseTokenRepository(self.session), PendingRegistrationRepository(self.session))
        kept_for = self._parts.settings.mail.given_up_kept_for
        return any(
            [
                await retention.forget_batch(),
                await proofs.forget_batch(),
                await self._challenges.forget_batch(),
                await self.second_factors.forget_batch(),
                await forget_expired_counters(self.session),
                await self.queued_mail.delete_given_up(older_than=kept_for),
            ]
        )
