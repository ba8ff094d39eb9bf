"""What the use cases of accounts queue: mail that somebody asked for, and notices."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from auth_service.audit.events import Origin
from auth_service.authenticators.throttle import Throttle
from auth_service.authenticators.throttle_settings import ThrottleKind
from auth_service.mail.outbox import Outbox


class MailKind(StrEnum):
    """What is queued; `mail_composers` says what becomes of each."""

    VERIFY_EMAIL = "verify-email"
    CONFIRM_REGISTRATION = "confirm-registration"
    CONFIRM_NEW_ADDRESS = "confirm-new-address"
    RECOVER_PASSWORD = "recover-password"
    INVITATION = "invitation"
    NOTICE = "notice"


class Notice(StrEnum):
    """What people are told after it happened; the value is the name of the template."""

    PASSWORD_CHANGED = "password-changed"
    ADDRESS_CHANGE_REQUESTED = "address-change-requested"
    ADDRESS_CHANGED = "address-changed"
    SECOND_FACTOR_ADDED = "second-factor-added"
    SECOND_FACTOR_REMOVED = "second-factor-removed"
    RECOVERY_CODE_USED = "recovery-code-used"


@dataclass(frozen=True, slots=True)
class AccountMail:
    """Queues mail within one unit of work; nothing here looks at an account.

    So a request costs the same whether or not somebody has the address: looking, and issuing a token, comes after the
    commit and is the composer's.
    """

    outbox: Outbox
    throttle: Throttle
    origin: Origin

    async def admit(self, address: str, kind: ThrottleKind) -> None:
        """Return when somebody may have mail sent to `address` now; ask before anything is locked or written.

        For who names an address that need not be their own. A registration is counted as one instead, and what an
        administrator starts is not counted. Raises MailOffError, TooManyAttemptsError.
        """
        self.require()
        await self.throttle.admit(kind, identifier=address, network=self.origin.network)

    def require(self) -> None:
        """Raise MailOffError where this service sends no mail: for use cases that are nothing without it."""
        self.outbox.require()

    def queue(self, kind: MailKind, **content: str) -> None:
        """Queue a message, with who asked for it: the mail's language and the audit follow from that."""
        where = {"network": self.origin.network, "request_id": self.origin.request_id}
        self._queue(kind, {"languages": self.origin.languages, **where, **content})

    def queue_for_administrator(self, kind: MailKind, *, user_id: UUID) -> None:
        """Queue a message that an administrator caused: where that was is not for the person to see."""
        self._queue(kind, {"languages": self.origin.languages, "user_id": str(user_id)})

    def _queue(self, kind: MailKind, content: Mapping[str, str | None]) -> None:
        self.outbox.queue(kind, {name: value for name, value in content.items() if value is not None})

    def notify(self, address: str, notice: Notice) -> None:
        """Tell whoever reads `address` what has just happened to the account."""
        self.queue(MailKind.NOTICE, email=address, notice=notice)
