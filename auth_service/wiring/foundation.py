"""What the services of one unit of work stand on: its transaction, the gate, sessions, throttles, mail and factors."""

from auth_service.accounts.account_mail import AccountMail
from auth_service.audit.events import Origin
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.password import PasswordAuthenticator
from auth_service.authenticators.second_factor_repository import SecondFactorRepository
from auth_service.authenticators.second_factors import SecondFactors
from auth_service.authenticators.throttle import Throttle
from auth_service.authz.principal import Principal
from auth_service.clients.repository import ClientRepository
from auth_service.db.replica import Lists
from auth_service.db.session import Session
from auth_service.items.repository import ItemRepository
from auth_service.items.service import ItemService
from auth_service.mail.outbox import Outbox
from auth_service.tokens.account_gate import AccountGate
from auth_service.tokens.revocations import Revocations
from auth_service.tokens.session_repository import SessionRepository
from auth_service.tokens.sessions import Sessions
from auth_service.users.repository import UserRepository
from auth_service.wiring.parts import Parts


class Foundation:
    """What every service of a unit of work shares: a transaction, a clock reading and an audit trail."""

    def __init__(self, parts: Parts, session: Session, origin: Origin, lists: Lists) -> None:
        """Work in `session`, and read lists where `lists` says.

        `principal` is whoever this is done for, as soon as that is proven.
        """
        self._parts = parts
        self.session = session
        self._lists = lists
        self.origin = origin
        self.principal: Principal | None = None
        self.audit = AuditTrail(session, origin)
        verified_email_required = parts.settings.accounts.verified_email_required
        self._users = UserRepository(session, verified_email_required=verified_email_required)
        self._session_repository = SessionRepository(session)
        self.gate = AccountGate(
            self._users,
            ClientRepository(session),
            self._session_repository,
            verified_email_required=verified_email_required,
        )
        self.outbox = Outbox(session, parts.outbox_box, origin.now, is_on=parts.settings.mail.is_on)

    @property
    def items(self) -> ItemService:
        """Items."""
        return ItemService(ItemRepository(self.session), self._lists, self.audit, self.origin.now)

    @property
    def sessions(self) -> Sessions:
        """Opening and ending sessions."""
        return Sessions(self._session_repository, self.revocations, self._parts.settings.tokens)

    @property
    def revocations(self) -> Revocations:
        """What is ended here."""
        return Revocations(self.session, leeway=self._parts.settings.tokens.leeway)

    @property
    def throttle(self) -> Throttle:
        """Counting attempts."""
        return Throttle(self.session, self._parts.throttle_counters)

    @property
    def account_mail(self) -> AccountMail:
        """Queueing mail about accounts."""
        return AccountMail(self.outbox, self.throttle, self.origin)

    @property
    def second_factors(self) -> SecondFactors:
        """Authenticator apps and recovery codes."""
        return SecondFactors(SecondFactorRepository(self.session), self._parts.seed_box, self.origin.now)

    @property
    def _passwords(self) -> PasswordAuthenticator:
        parts = self._parts
        return PasswordAuthenticator(
            self.session,
            parts.hasher,
            parts.password_policy,
            parts.breached_passwords,
            parts.stand_ins,
            self.throttle,
            self.origin.network,
        )
