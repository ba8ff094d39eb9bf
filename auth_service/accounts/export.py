"""What a person gets when they ask what is stored about them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from auth_service.audit.events import Origin
from auth_service.audit.queries import AuditFilter
from auth_service.audit.schemas import AuditEventRead
from auth_service.audit.service import AuditService
from auth_service.authenticators.models import SingleUseToken
from auth_service.authenticators.second_factor_repository import SecondFactorRepository
from auth_service.authenticators.single_use_repository import SingleUseTokenRepository
from auth_service.authenticators.throttle import Throttle
from auth_service.authenticators.throttle_settings import ThrottleKind
from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize
from auth_service.authz.principal import Principal
from auth_service.db.keyset import PageRequest, Slice
from auth_service.tokens.schemas import SessionDetail
from auth_service.tokens.session_repository import SessionRepository
from auth_service.users.models import User
from auth_service.users.repository import UserRepository

MAX_EXPORTED = 1000
"""Of items, of events and of sessions: the export is made in memory. It says of each whether there are more."""

ItemsOf = Callable[[Principal, UUID, PageRequest], Awaitable[Slice[Any]]]


@dataclass(frozen=True, slots=True)
class ExportedSecondFactor:
    """An authenticator app, confirmed or not, and how many recovery codes stand in for it."""

    created_at: datetime
    confirmed_at: datetime | None
    recovery_codes: int


@dataclass(frozen=True, slots=True)
class Exported:
    """Everything about a person but what only proves who they are: hashes, digests and ciphertext say nothing."""

    exported_at: datetime
    account: User
    has_password: bool
    second_factor: ExportedSecondFactor | None
    one_time_tokens: Sequence[SingleUseToken]
    sessions: Sequence[SessionDetail]
    sessions_complete: bool
    items: Sequence[object]
    items_complete: bool
    audit_events: Sequence[AuditEventRead]
    audit_events_complete: bool


@dataclass(frozen=True, slots=True)
class AccountExport:
    """One use case; `items_of` is another room's, and raises what that raises."""

    users: UserRepository
    sessions: SessionRepository
    factors: SecondFactorRepository
    tokens: SingleUseTokenRepository
    audit_log: AuditService
    items_of: ItemsOf
    throttle: Throttle
    origin: Origin

    async def export(self, principal: Principal, user_id: UUID) -> Exported:
        """Return what is stored; a token for it has to be good for the account and for the items.

        Raises AccessDeniedError, TooManyAttemptsError.
        """
        authorize(principal, Action.USER_EXPORT, owner_id=user_id)
        await self.throttle.admit(ThrottleKind.COSTLY, identifier=str(user_id), network=self.origin.network)
        user = await self.users.get(user_id)
        page = PageRequest(limit=MAX_EXPORTED)
        items = await self.items_of(principal, user_id, page)
        events = await self.audit_log.search_own(principal, user_id, AuditFilter(), page)
        sessions = await self.sessions.newest_of(user_id, at_most=MAX_EXPORTED + 1)
        return Exported(
            exported_at=self.origin.now,
            account=user,
            has_password=user.hashed_password is not None,
            second_factor=await self._second_factor_of(user_id),
            one_time_tokens=await self.tokens.all_of(user_id),
            sessions=[SessionDetail.of(session, caller=principal.session_id) for session in sessions[:MAX_EXPORTED]],
            sessions_complete=len(sessions) <= MAX_EXPORTED,
            items=items.rows,
            items_complete=items.next_position is None,
            audit_events=events.rows,
            audit_events_complete=events.next_position is None,
        )

    async def _second_factor_of(self, user_id: UUID) -> ExportedSecondFactor | None:
        credential = await self.factors.find(user_id)
        if credential is None:
            return None
        codes = await self.factors.count_codes(user_id)
        return ExportedSecondFactor(credential.created_at, credential.confirmed_at, codes)
