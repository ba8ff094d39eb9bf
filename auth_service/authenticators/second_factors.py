"""The second factor of an account: an authenticator app, and recovery codes for when it is lost."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.errors import UnusableSeedError
from auth_service.authenticators.models import TotpCredential
from auth_service.authenticators.recovery_codes import digest_recovery_code, new_recovery_codes
from auth_service.authenticators.second_factor_repository import SecondFactorRepository
from auth_service.authenticators.totp import matching_step, new_seed
from auth_service.authz.principal import Principal
from auth_service.security.errors import UndecryptableError
from auth_service.security.secrets import Rewrapped, SecretBox

SEED_PURPOSE = "totp-seeds"
ENROLMENT_LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """Makes and checks the proof "I have the app", within one unit of work.

    A seed is stored as ciphertext that is bound to its account. Time steps are those of the clock of this process,
    which may be half a minute wrong.
    """

    repository: SecondFactorRepository
    box: SecretBox
    now: datetime

    async def find(self, user_id: UUID) -> TotpCredential | None:
        """Return the app that counts, or None."""
        credential = await self.repository.find(user_id)
        return credential if credential is not None and credential.confirmed_at is not None else None

    async def enrol(self, user_id: UUID) -> bytes:
        """Return a new seed, which counts once it is confirmed; another one that was not confirmed is gone."""
        seed = new_seed()
        await self.repository.replace(user_id, self.box.seal(seed, context=user_id.bytes))
        return seed

    async def confirm(self, user_id: UUID, code: str) -> bool:
        """Let the new seed count, if `code` is one of it; that code is used then. Raises UnusableSeedError."""
        credential = await self.repository.find(user_id)
        step = matching_step(self._open(credential), code, now=self.now) if credential else None
        return step is not None and await self.repository.confirm(user_id, step=step, within=ENROLMENT_LIFETIME)

    async def use_otp(self, user_id: UUID, code: str) -> bool:
        """Say whether `code` is one of the app's that was not used yet, and use it. Raises UnusableSeedError."""
        credential = await self.find(user_id)
        step = matching_step(self._open(credential), code, now=self.now) if credential else None
        return step is not None and await self.repository.use_step(user_id, step)

    async def use_recovery_code(self, user_id: UUID, code: str) -> bool:
        """Say whether `code` is one of the account's recovery codes, and use it."""
        digest = digest_recovery_code(code, user_id=user_id)
        return digest is not None and await self.repository.use_code(user_id, digest)

    async def renew_recovery_codes(self, user_id: UUID) -> list[str]:
        """Return new recovery codes, to be shown once; the old ones are gone."""
        codes = new_recovery_codes(user_id=user_id)
        await self.repository.replace_codes(user_id, codes.values())
        return list(codes)

    async def remove(self, user_id: UUID) -> None:
        """Forget the app and the recovery codes."""
        await self.repository.delete(user_id)

    async def forget_batch(self) -> bool:
        """Forget some of the seeds that can no longer be confirmed; say whether there may be more."""
        return await self.repository.delete_unconfirmed(older_than=ENROLMENT_LIFETIME)

    async def rewrap_batch(self, audit: AuditTrail, actor: Principal, *, after: UUID | None) -> Rewrapped:
        """Encrypt a batch of seeds under the first master key. Raises UnusableSeedError, and changes nothing then."""
        batch = await self.repository.seeds_after(after)
        changed = [await self._rewrap(user_id, sealed) for user_id, sealed in batch].count(True)
        if changed:
            audit.record(AuditEvent.TOTP_SEEDS_REWRAPPED, actor=actor, count=changed)
        return Rewrapped(changed, len(batch), batch[-1][0] if batch else None)

    async def _rewrap(self, user_id: UUID, sealed: bytes) -> bool:
        if self.box.is_current(sealed, context=user_id.bytes):
            return False
        new = self.box.seal(self._open_sealed(user_id, sealed), context=user_id.bytes)
        return await self.repository.reseal(user_id, old=sealed, new=new)

    def _open(self, credential: TotpCredential) -> bytes:
        return self._open_sealed(credential.user_id, credential.sealed_seed)

    def _open_sealed(self, user_id: UUID, sealed: bytes) -> bytes:
        try:
            return self.box.open(sealed, context=user_id.bytes)
        except UndecryptableError:
            raise UnusableSeedError(user_id) from None
