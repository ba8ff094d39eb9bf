"""What a process is made of, and the services of one unit of work: shared by the edge and the CLI, without HTTP."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Self

import structlog

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
from auth_service.clients.repository import ClientRepository
from auth_service.db.engine import Database
from auth_service.db.errors import SchemaBehindError
from auth_service.db.locks import try_lock_until_commit
from auth_service.db.migrations import current_revision, is_behind
from auth_service.db.session import Session
from auth_service.errors import PermissionDeniedError, ServiceError
from auth_service.items.repository import ItemRepository
from auth_service.items.service import ItemService
from auth_service.oauth.client_auth import ClientAuthenticator
from auth_service.oauth.clients import ClientAdministration
from auth_service.oauth.grants.client_credentials import ClientCredentialsGrant
from auth_service.oauth.grants.messages import Grant
from auth_service.oauth.grants.password import PasswordGrant
from auth_service.oauth.grants.refresh_token import RefreshTokenGrant
from auth_service.oauth.introspection import TokenIntrospection
from auth_service.oauth.metadata import authorization_server_metadata, grant_types
from auth_service.oauth.presented_token import TokenReader
from auth_service.oauth.revocation import TokenRevocation
from auth_service.oauth.token_endpoint import TokenEndpoint
from auth_service.oauth.token_issuer import TokenIssuer
from auth_service.security.passwords import PasswordHasher
from auth_service.security.secrets import SecretBox, derive_key, master_keys_of
from auth_service.settings import Settings
from auth_service.tokens.account_gate import AccountGate
from auth_service.tokens.errors import UnusableKeysError, UnusableSigningKeyError
from auth_service.tokens.key_inventory import KeyInventory
from auth_service.tokens.key_repository import SigningKeyRepository
from auth_service.tokens.key_rotation import KeyRotation
from auth_service.tokens.key_safe import KEY_PURPOSE, KeySafe
from auth_service.tokens.refresh_token import derivation_keys
from auth_service.tokens.retention import Retention
from auth_service.tokens.revocation_feed import RevocationFeed
from auth_service.tokens.revocations import RevocationPage, Revocations
from auth_service.tokens.rotation import RefreshRotation
from auth_service.tokens.session_repository import SessionRepository
from auth_service.tokens.sessions import Sessions
from auth_service.tokens.signing_keys import KeyRing, open_key_ring, refresh_key_ring
from auth_service.users.repository import UserRepository
from auth_service.users.service import UserService

log = structlog.get_logger()

Clock = Callable[[], datetime]

_SAMPLED_HASHES = 1000
_REVOCATIONS_LISTED_LONGER = timedelta(minutes=1)


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
        self.revocation_feed = RevocationFeed(self._read_revocations)
        self.hasher = PasswordHasher(settings.hashing)
        self.key_safe = KeySafe(self.key_box)
        self.metadata = authorization_server_metadata(settings.tokens.issuer, grant_types=grant_types(settings.oauth))
        self._keys: KeyRing | None = None
        self._keys_are_usable = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give back threads and connections."""
        self.hasher.close()
        await self.revocation_feed.close()
        await self.database.dispose()

    @property
    def keys(self) -> KeyRing:
        """The signing keys in memory; `load_keys` comes first."""
        if self._keys is None:
            raise RuntimeError("the signing keys are not loaded yet")
        return self._keys

    async def load_keys(self) -> None:
        """Load the signing keys, and make those that are missing.

        Raises DatabaseUnavailableError, UnusableSigningKeyError.
        """
        read_at = time.monotonic()
        async with self.unit_of_work(writing=True) as work:
            ring = open_key_ring(await work.key_rotation.prepare(), self.key_safe)
        self._hold(ring, read_at=read_at)

    async def tend_keys(self) -> None:
        """Take over what other replicas changed about the signing keys, and change what is due.

        While that fails the keys in memory stay, to publish and to verify with. Raises DatabaseUnavailableError.
        """
        try:
            if await self._reread_keys():
                async with self.unit_of_work(writing=True) as work:
                    await work.key_rotation.follow_schedule()
                await self._reread_keys()
        except UnusableSigningKeyError as error:
            log.error("signing_keys.unusable", reason=str(error))  # noqa: TRY400 - the settings are at fault

    async def _reread_keys(self) -> bool:
        """Take over what is stored; return whether something is due."""
        read_at = time.monotonic()
        async with self.unit_of_work(writing=False) as work:
            stored = await work.signing_keys.read()
            due = work.key_rotation.is_due(stored)
        self._keys_are_usable = False
        self._hold(refresh_key_ring(self.keys, stored, self.key_safe), read_at=read_at)
        return due

    def _hold(self, ring: KeyRing, *, read_at: float) -> None:
        grace = self.settings.tokens.key_grace.total_seconds()
        self._keys = replace(ring, signs_until=read_at + grace)
        self._keys_are_usable = True

    async def _read_revocations(self, after: int, epoch: str | None) -> RevocationPage:
        settings, read_at = self.settings.tokens, self.clock()
        keep = settings.revocations_matter_for + _REVOCATIONS_LISTED_LONGER
        async with self.database.transaction(writing=False) as session:
            return await Revocations(session, leeway=settings.leeway).page(
                after, epoch=epoch, keep=keep, read_at=read_at
            )

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
        """Raise UnavailableError unless requests can be served.

        The database answers, its schema is not behind, and the key that signs is one which this process can open.
        """
        if is_behind(await current_revision(self.database)):
            raise SchemaBehindError
        if not self._keys_are_usable:
            raise UnusableKeysError


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
        self.gate = AccountGate(self._users, ClientRepository(session), self._sessions)

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
    def signing_keys(self) -> SigningKeyRepository:
        """The stored signing keys."""
        return SigningKeyRepository(self.session)

    @property
    def key_rotation(self) -> KeyRotation:
        """Changing signing keys."""
        runtime = self._runtime
        return KeyRotation(self.signing_keys, runtime.key_safe, self.audit, self.revocations, runtime.settings.tokens)

    @property
    def key_inventory(self) -> KeyInventory:
        """Listing signing keys, and encrypting them anew."""
        runtime = self._runtime
        return KeyInventory(self.signing_keys, runtime.key_safe, self.audit, runtime.settings.tokens)

    @property
    def revocations(self) -> Revocations:
        """What is ended here."""
        return Revocations(self.session, leeway=self._runtime.settings.tokens.leeway)

    @property
    def clients(self) -> ClientAdministration:
        """Administering clients."""
        return ClientAdministration(ClientRepository(self.session), self.audit, self.revocations, self.origin.now)

    @property
    def client_authenticator(self) -> ClientAuthenticator:
        """Finding out which client asks."""
        return ClientAuthenticator(ClientRepository(self.session), self.audit)

    @property
    def retention(self) -> Retention:
        """Removing what is over."""
        return Retention(self._sessions, self.revocations, self._runtime.settings.tokens)

    @property
    def token_endpoint(self) -> TokenEndpoint:
        """Turning grants into tokens."""
        settings = self._runtime.settings
        grants: dict[str, Grant] = {
            "refresh_token": self._refresh_token_grant,
            "client_credentials": ClientCredentialsGrant(
                self.gate, self.sessions, self.audit, self._token_issuer, self.origin
            ),
        }
        if settings.oauth.password_grant:
            grants["password"] = self._password_grant
        return TokenEndpoint(grants, self.client_authenticator, settings.tokens)

    @property
    def token_revocation(self) -> TokenRevocation:
        """Ending a token."""
        return TokenRevocation(self.client_authenticator, self._token_reader, self.sessions, self.audit)

    @property
    def token_introspection(self) -> TokenIntrospection:
        """Asking whether a token is good."""
        return TokenIntrospection(self.client_authenticator, self._token_reader, self._runtime.settings.tokens.issuer)

    @property
    def _token_reader(self) -> TokenReader:
        return TokenReader(self.gate, self._sessions, self._runtime.keys, self._runtime.settings.tokens)

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
