"""What a process is made of, and the services of one unit of work: shared by the edge and the CLI, without HTTP."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Self

from auth_service.accounts.account_update import AccountUpdate
from auth_service.accounts.deletion import AccountDeletion
from auth_service.accounts.password_change import PasswordChanger
from auth_service.accounts.registration import Registration
from auth_service.accounts.session_control import SessionControl
from auth_service.audit.events import AuditEvent, Origin
from auth_service.audit.trail import AuditTrail
from auth_service.authenticators.password import PasswordAuthenticator
from auth_service.authenticators.stand_ins import StandIns
from auth_service.authz.errors import AccessDeniedError
from auth_service.authz.principal import Principal
from auth_service.db.engine import Database
from auth_service.db.errors import SchemaBehindError
from auth_service.db.locks import try_lock_until_commit
from auth_service.db.migrations import current_revision, is_behind
from auth_service.db.session import Session
from auth_service.errors import PermissionDeniedError, ServiceError
from auth_service.items.repository import ItemRepository
from auth_service.items.service import ItemService
from auth_service.oauth.grants.messages import Grant
from auth_service.oauth.grants.password import PasswordGrant
from auth_service.oauth.grants.refresh_token import RefreshTokenGrant
from auth_service.oauth.token_endpoint import TokenEndpoint
from auth_service.oauth.token_issuer import TokenIssuer
from auth_service.security.passwords import PasswordHasher
from auth_service.security.secrets import SecretBox, derive_key, master_keys_of
from auth_service.settings import Settings
from auth_service.tokens.account_gate import AccountGate
from auth_service.tokens.key_repository import SigningKeyRepository
from auth_service.tokens.refresh_token import derivation_keys
from auth_service.tokens.retention import Retention
from auth_service.tokens.revocations import Revocations
from auth_service.tokens.rotation import RefreshRotation
from auth_service.tokens.session_repository import SessionRepository
from auth_service.tokens.sessions import Sessions
from auth_service.tokens.signing_keys import KEY_PURPOSE, KeyRing, SigningKeys
from auth_service.users.repository import UserRepository
from auth_service.users.service import UserService

Clock = Callable[[], datetime]

_SAMPLED_HASHES = 1000


def utc_now() -> datetime:
    """Read the one clock of the service."""
    return datetime.now(UTC)


class Runtime:
    """The parts of a process that outlive a request; a context manager, which gives back threads and connections."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now) -> None:
        """Prepare everything that needs no database; `load_keys` does the rest."""
        master_keys = master_keys_of(settings.security)
        self.settings = settings
        self.clock = clock
        self.database = Database(settings.database)
        self.cursor_box = SecretBox(master_keys, purpose="page-cursors")
        self.key_box = SecretBox(master_keys, purpose=KEY_PURPOSE)
        self.stand_ins = StandIns(derive_key(master_keys[0], purpose="stand-ins"))
        self.derivation_keys = derivation_keys(master_keys)
        self.hasher = PasswordHasher(settings.hashing)
        self._keys: KeyRing | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give back threads and connections."""
        self.hasher.close()
        await self.database.dispose()

    @property
    def keys(self) -> KeyRing:
        """The signing keys in memory; `load_keys` comes first."""
        if self._keys is None:
            raise RuntimeError("the signing keys are not loaded yet")
        return self._keys

    async def load_keys(self) -> None:
        """Load the signing keys, and make the first one if there is none.

        Raises DatabaseUnavailableError, UnusableSigningKeyError.
        """
        async with self.unit_of_work(writing=True) as work:
            self._keys = await work.signing_keys.load_or_create(self.settings.tokens.algorithm, now=work.origin.now)

    async def refresh_stand_ins(self) -> None:
        """Take a new sample of what unknown identifiers are compared with."""
        async with self.database.transaction(writing=False) as session:
            sample = await UserRepository(session).sample_hashes(about=_SAMPLED_HASHES)
        self.stand_ins.replace(sample)

    async def forget_what_is_over(self) -> None:
        """Remove what nothing depends on any more, in small transactions; one replica at a time does it."""
        more = True
        while more:
            async with self.unit_of_work(writing=True) as work:
                is_mine = await try_lock_until_commit(work.session, "retention")
                more = is_mine and await work.retention.forget_batch()

    @asynccontextmanager
    async def unit_of_work(
        self,
        *,
        writing: bool,
        network: str | None = None,
        request_id: str | None = None,
        user_agent: str | None = None,
    ) -> AsyncIterator["UnitOfWork"]:
        """Commit at the end of the block, or roll back when it raises.

        A refusal that must leave a trace leaves it in a transaction of its own, or the rollback would undo the defence.
        """
        origin = Origin(now=self.clock(), network=network, request_id=request_id, user_agent=user_agent)
        work: UnitOfWork | None = None
        try:
            async with self.database.transaction(writing=writing) as session:
                work = UnitOfWork(self, session, origin)
                yield work
        except ServiceError as refusal:
            if work is not None:
                await self._keep_trace(work, refusal)
            raise

    async def _keep_trace(self, work: "UnitOfWork", refusal: ServiceError) -> None:
        """Write what the use case recorded of its refusal; if it recorded nothing, every 403 of a known caller."""
        refusals = work.audit.take_refusals()
        if not refusals and work.principal is not None and isinstance(refusal, PermissionDeniedError):
            denied = refusal if isinstance(refusal, AccessDeniedError) else None
            work.audit.record_refusal(
                AuditEvent.ACCESS_DENIED,
                actor=work.principal,
                subject=denied.owner_id if denied else None,
                code=refusal.code,
                action=denied.action if denied else None,
            )
            refusals = work.audit.take_refusals()
        if refusals:
            async with self.database.transaction(writing=True) as session:
                session.add_all(refusals)

    async def check_readiness(self) -> None:
        """Raise UnavailableError unless requests can be served: the database answers and its schema is not behind."""
        if is_behind(await current_revision(self.database)):
            raise SchemaBehindError


class UnitOfWork:
    """The services of one request or command: they share a transaction, a clock reading and an audit trail."""

    def __init__(self, runtime: Runtime, session: Session, origin: Origin) -> None:
        """Work in `session`; `principal` is whoever this is done for, as soon as that is proven."""
        self._runtime = runtime
        self.session = session
        self.origin = origin
        self.principal: Principal | None = None
        self.audit = AuditTrail(session, origin)
        self._users = UserRepository(session)
        self._sessions = SessionRepository(session)
        self.gate = AccountGate(self._users, self._sessions)

    @property
    def users(self) -> UserService:
        """Reading users."""
        return UserService(self._users)

    @property
    def items(self) -> ItemService:
        """Items."""
        return ItemService(ItemRepository(self.session), self.audit, self.origin.now)

    @property
    def registration(self) -> Registration:
        """Creating accounts."""
        settings = self._runtime.settings.accounts
        return Registration(self.session, self._users, self._passwords, self.audit, settings, self.origin.now)

    @property
    def account_update(self) -> AccountUpdate:
        """Changing accounts."""
        return AccountUpdate(self._users, self.gate, self.sessions, self.audit, self.origin.now)

    @property
    def account_deletion(self) -> AccountDeletion:
        """Deleting accounts."""
        return AccountDeletion(self._users, self.sessions, self.audit)

    @property
    def password_changer(self) -> PasswordChanger:
        """Changing one's password."""
        return PasswordChanger(self._users, self._passwords, self.gate, self.sessions, self.audit, self.origin.now)

    @property
    def session_control(self) -> SessionControl:
        """Seeing and ending sessions."""
        return SessionControl(self._users, self._sessions, self.sessions, self.audit)

    @property
    def sessions(self) -> Sessions:
        """Opening and ending sessions."""
        return Sessions(self._sessions, self.revocations, self._runtime.settings.tokens)

    @property
    def signing_keys(self) -> SigningKeys:
        """The stored signing keys."""
        return SigningKeys(SigningKeyRepository(self.session), self._runtime.key_box, self.audit)

    @property
    def revocations(self) -> Revocations:
        """What is ended here."""
        return Revocations(self.session, leeway=self._runtime.settings.tokens.leeway)

    @property
    def retention(self) -> Retention:
        """Removing what is over."""
        return Retention(self._sessions, self.revocations, self._runtime.settings.tokens)

    @property
    def token_endpoint(self) -> TokenEndpoint:
        """Turning grants into tokens."""
        settings = self._runtime.settings
        grants: dict[str, Grant] = {"refresh_token": self._refresh_token_grant}
        if settings.oauth.password_grant:
            grants["password"] = self._password_grant
        return TokenEndpoint(grants, settings.tokens)

    @property
    def _password_grant(self) -> PasswordGrant:
        return PasswordGrant(
            self._users, self._passwords, self.gate, self.sessions, self.audit, self._token_issuer, self.origin
        )

    @property
    def _refresh_token_grant(self) -> RefreshTokenGrant:
        runtime = self._runtime
        rotation = RefreshRotation(
            self.gate, self._sessions, runtime.derivation_keys, runtime.settings.tokens, self.origin
        )
        return RefreshTokenGrant(self.session, self.gate, rotation, self.sessions, self.audit, self._token_issuer)

    @property
    def _token_issuer(self) -> TokenIssuer:
        return TokenIssuer(self._runtime.keys, self._runtime.settings.tokens, self.origin.now)

    @property
    def _passwords(self) -> PasswordAuthenticator:
        runtime = self._runtime
        return PasswordAuthenticator(self.session, runtime.hasher, runtime.settings.password_policy, runtime.stand_ins)
