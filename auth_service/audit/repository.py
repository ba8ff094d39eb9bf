"""The SQL of reading security events, the newest first."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from auth_service.audit.models import AuditRecord
from auth_service.audit.queries import AuditFilter
from auth_service.db.keyset import PageRequest, Slice, SortKey, SortOrder, fetch_slice
from auth_service.db.session import Session


class AuditRepository:
    """Security events, within one unit of work; only the trail writes them."""

    def __init__(self, session: Session) -> None:
        """Read in `session`."""
        self._session = session

    async def search(self, wanted: AuditFilter, page: PageRequest) -> Slice[AuditRecord]:
        """Return one page of the events that `wanted` describes."""
        return await fetch_slice(self._session, _matching(wanted), _NEWEST_FIRST, page)

    async def search_around(self, user_id: UUID, wanted: AuditFilter, page: PageRequest) -> Slice[AuditRecord]:
        """Return one page of the events of which `user_id` is the subject or the actor.

        Each of the two has an index that is in order, so a page is made of a page of each. An OR would read and sort
        everything that somebody ever did.
        """
        matching, uncounted = _matching(wanted), PageRequest(limit=page.limit, after=page.after)
        found: dict[UUID, AuditRecord] = {}
        more = False
        for column in (AuditRecord.subject_id, AuditRecord.actor_id):
            part = await fetch_slice(self._session, matching.where(col(column) == user_id), _NEWEST_FIRST, uncounted)
            found.update((record.id, record) for record in part.rows)
            more = more or part.next_position is not None
        newest = sorted(found.values(), key=lambda record: (record.occurred_at, record.id), reverse=True)
        kept = newest[: page.limit]
        more = more or len(newest) > page.limit
        count = await self._count_around(user_id, matching) if page.count else None
        return Slice(rows=kept, next_position=_NEWEST_FIRST.position_of(kept[-1]) if more else None, count=count)

    async def _count_around(self, user_id: UUID, matching: SelectOfScalar[AuditRecord]) -> int | None:
        around = or_(col(AuditRecord.subject_id) == user_id, col(AuditRecord.actor_id) == user_id)
        return await self._session.scalar(select(func.count()).select_from(matching.where(around).subquery()))


_NEWEST_FIRST = SortOrder(
    (
        SortKey("occurred_at", col(AuditRecord.occurred_at), datetime.fromisoformat),
        SortKey("id", col(AuditRecord.id), UUID),
    ),
    descending=True,
)


def _matching(wanted: AuditFilter) -> SelectOfScalar[AuditRecord]:
    equal = {
        AuditRecord.event: wanted.event,
        AuditRecord.outcome: wanted.outcome,
        AuditRecord.actor_id: wanted.actor_id,
        AuditRecord.subject_id: wanted.subject_id,
        AuditRecord.client_id: wanted.client_id,
        AuditRecord.network: wanted.network,
    }
    conditions = [col(column) == value for column, value in equal.items() if value is not None]
    if wanted.occurred_from is not None:
        conditions.append(col(AuditRecord.occurred_at) >= wanted.occurred_from)
    if wanted.occurred_before is not None:
        conditions.append(col(AuditRecord.occurred_at) < wanted.occurred_before)
    return select(AuditRecord).where(*conditions)
