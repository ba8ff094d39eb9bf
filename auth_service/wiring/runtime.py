"""A process of the service: its database, its units of work, and what it does in the background."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Self

import structlog

from auth_service.audit.events import AuditEvent, Origin
from auth_service.audit.tally import AuditTally
from auth_service.authenticators.throttle_storage import open_counter_store
from auth_service.authz.errors import AccessDeniedError
from auth_service.db.clock import read_clock_offset
from auth_service.db.engine import Database
from auth_service.db.locks import try_lock_until_commit
from auth_service.db.replica import Lists, Replica
from auth_service.errors import PermissionDeniedError, ServiceError, StoppingError, UnavailableError
from auth_service.settings import Settings
from auth_service.tokens.errors import UnusableKeysError, UnusableSigningKeyError
from auth_service.tokens.key_ages import KeyAges, read_ages
from auth_service.tokens.key_ring import open_key_ring, refresh_key_ring
from auth_service.tokens.revocation_feed import RevocationFeed
from auth_service.tokens.revocations import RevocationPage, Revocations
from auth_service.users.repository import UserRepository
from auth_service.wiring.parts import Clock, Parts, utc_now
from auth_service.wiring.readiness import DatabaseReadiness
from auth_service.wiring.unit_of_work import UnitOfWork

log = structlog.get_logger()

_SAMPLED_HASHES = 1000
_WAITERS_SHARE = 4  # one connection in so many may wait for revocations: the others stay for those who do not


class Runtime(Parts):
    """The parts of a process that outlive a request; a context manager, which gives back threads and connections."""

    def __init__(self, settings: Settings, *, clock: Clock = utc_now) -> None:
        """Prepare everything that needs no database; `load_keys` does the rest."""
        self.database = Database(settings.database)
        self._readiness = DatabaseReadiness(self.database)
        read_url = settings.database.read_url
        self.replica = None if read_url is None else Replica(settings.database, read_url)
        super().__init__(settings, clock, open_counter_store(settings.throttle, self.database))
        self.revocation_feed = RevocationFeed(
            self._read_revocations,
            listed_for=settings.tokens.revocations_listed_for,
            places=settings.http.max_connections // _WAITERS_SHARE,
        )
        self.mail_queued = asyncio.Event()
        self.audit_tally = AuditTally()
        self.key_ages: KeyAges | None = None
        self._keys_are_usable = True
        self.is_stopping = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give back threads and connections."""
        self.hasher.close()
        await self.revocation_feed.close()
        await self._readiness.close()
        await self.throttle_counters.store.close()
        await self.breached_passwords.close()
        await self.database.dispose()
        if self.replica is not None:
            await self.replica.database.dispose()

    def hurry(self) -> None:
        """Let nobody wait for a database that says nothing: from now on requests are served."""
        for database in (self.database, *([self.replica.database] if self.replica else [])):
            database.hurry()

    async def load_keys(self) -> None:
        """Load the signing keys, and make those that are missing.

        Raises DatabaseUnavailableError, UnusableSigningKeyError.
        """
        read_at = time.monotonic()
        async with self.unit_of_work(writing=True) as work:
            stored = await work.key_rotation.prepare()
            ring = open_key_ring(stored, self.key_safe)
        self.hold_keys(ring, read_at=read_at)
        self.key_ages = read_ages(stored, self.settings.tokens, read_at=read_at)

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
        self.hold_keys(refresh_key_ring(self.keys, stored, self.key_safe), read_at=read_at)
        self._keys_are_usable = True
        self.key_ages = read_ages(stored, self.settings.tokens, read_at=read_at)
        return due

    async def _read_revocations(self, after: int, epoch: str | None) -> RevocationPage:
        settings, read_at = self.settings.tokens, self.clock()
        async with self.database.transaction(writing=False) as session:
            return await Revocations(session, leeway=settings.leeway).page(
                after, epoch=epoch, keep=settings.revocations_listed_for, read_at=read_at
            )

    async def refresh_stand_ins(self) -> None:
        """Take a new sample of what unknown identifiers are compared with."""
        async with self.database.transaction(writing=False) as session:
            sample = await UserRepository(session).sample_hashes(about=_SAMPLED_HASHES)
        self.stand_ins.replace(sample)

    async def check_clock(self) -> None:
        """Say so when this process's clock and the database's are so far apart that others refuse its tokens.

        Readiness does not depend on it: if it is the database's clock that is wrong, all replicas would be red.
        """
        if not self.database.is_sqlite:
            offset = await self.clock_offset()
            if abs(offset) > self.settings.tokens.leeway:
                log.warning("clock.off", seconds=round(offset.total_seconds()))

    async def clock_offset(self) -> timedelta:
        """Return by how much this process's clock is ahead of the database's."""
        async with self.database.transaction(writing=False) as session:
            return await read_clock_offset(session, self.clock)

    async def forget_what_is_over(self) -> None:
        """Remove what nothing depends on any more, in small transactions; one replica at a time does it.

        After each it rests for as long as that took: a large backlog takes half of what it could, not all.
        """
        more = True
        while more:
            began = time.monotonic()
            async with self.unit_of_work(writing=True) as work:
                is_mine = await try_lock_until_commit(work.session, "retention")
                more = is_mine and await work.forget_batch()
            if more:
                await asyncio.sleep(time.monotonic() - began)

    @asynccontextmanager
    async def unit_of_work(
        self,
        *,
        writing: bool,
        network: str | None = None,
        request_id: str | None = None,
        user_agent: str | None = None,
        languages: str | None = None,
    ) -> AsyncIterator[UnitOfWork]:
        """Commit at the end of the block, or roll back when it raises.

        A refusal that must leave a trace leaves it in a transaction of its own, or the rollback would undo the defence.
        """
        origin = Origin(self.clock(), network, request_id, user_agent, languages)
        work: UnitOfWork | None = None
        try:
            async with self.database.transaction(writing=writing) as session:
                lists = Lists(session, None if writing else self.replica)  # who writes sees what they wrote
                work = UnitOfWork(self, session, origin, lists)
                yield work
        except ServiceError as refusal:
            if work is not None:
                if not isinstance(refusal, UnavailableError):  # then what it had committed nobody was told of
                    self.audit_tally.done(work.audit.take_committed())
                await self._keep_trace(work, refusal)
            raise
        self.audit_tally.done(work.audit.take_committed())
        if work.outbox.has_queued:
            self.mail_queued.set()

    async def _keep_trace(self, work: UnitOfWork, refusal: ServiceError) -> None:
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
            self.audit_tally.refused(refusals)
            async with self.database.transaction(writing=True) as session:
                session.add_all(refusals)

    @property
    def can_sign(self) -> bool:
        """Whether this process has opened the key that signs, and has read the keys lately."""
        return self._keys_are_usable and time.monotonic() <= self.keys.signs_until

    async def check_readiness(self) -> None:
        """Raise UnavailableError unless requests can be served.

        The process was not told to stop, the database answers, its schema is not behind, and the key that signs is one
        which this process can open. The database is asked once a second at most.
        """
        if self.is_stopping:
            raise StoppingError
        await self._readiness.check()
        if self.is_stopping:  # since then
            raise StoppingError
        if not self._keys_are_usable:
            raise UnusableKeysError
