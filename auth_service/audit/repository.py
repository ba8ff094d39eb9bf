"""The SQL of reading security events, the newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal_column, or_
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from auth_service.audit.events import Outcome
from auth_service.audit.models import AuditRecord
from auth_service.audit.queries import AuditFilter
from auth_service.db.keyset import (
    MAX_WALKED,
    PageRequest,
    Slice,
    SortKey,
    SortOrder,
    count_matching,
    fetch_sifted_slice,
    fetch_slice,
)
from auth_service.db.session import Session

_Equality = tuple[str, object]


class AuditRepository:
    """Security events, within one unit of work; only the trail writes them."""

    def __init__(self, session: Session) -> None:
        """Read in `session`."""
        self._session = session

    async def search(self, wanted: AuditFilter, page: PageRequest) -> Slice[AuditRecord]:
        """Return one page of the events that `wanted` describes.

        Every condition but success has an index in the order of the list. Of several, the one that fewest events meet
        is walked along, and the others are looked for on the way.
        """
        equalities, in_time = _equalities(wanted), _in_time(wanted)
        indexed = [each for each in equalities if each != ("outcome", Outcome.SUCCESS)]
        leading = [await self._rarest(indexed, in_time)] if len(indexed) > 1 else indexed
        walked = in_time.where(*_hold(AuditRecord, leading))
        rest = [each for each in equalities if each not in leading]
        if not rest:
            return await fetch_slice(self._session, walked, _NEWEST_FIRST, page)
        return await fetch_sifted_slice(self._session, walked, _NEWEST_FIRST, page, lambda record: _hold(record, rest))

    async def _rarest(self, indexed: Sequence[_Equality], in_time: SelectOfScalar[AuditRecord]) -> _Equality:
        some = [in_time.where(*_hold(AuditRecord, [each])).limit(MAX_WALKED).subquery() for each in indexed]
        counts = [select(func.count()).select_from(each).scalar_subquery() for each in some]
        row = list((await (await self._session.connection()).execute(select(*counts))).one())
        return indexed[row.index(min(row))]

    async def search_around(self, user_id: UUID, wanted: AuditFilter, page: PageRequest) -> Slice[AuditRecord]:
        """Return one page of the events of which `user_id` is the subject or the actor.

        Each of the two has an index that is in order, so a page is made of a page of each. An OR would read and sort
        everything that somebody ever did.
        """
        matching = _in_time(wanted).where(*_hold(AuditRecord, _equalities(wanted)))
        uncounted = PageRequest(limit=page.limit, after=page.after)
        found: dict[UUID, AuditRecord] = {}
        more = False
        for column in (AuditRecord.subject_id, AuditRecord.actor_id):
            part = await fetch_slice(self._session, matching.where(col(column) == user_id), _NEWEST_FIRST, uncounted)
            found.update((record.id, record) for record in part.rows)
            more = more or part.next_position is not None
        newest = sorted(found.values(), key=lambda record: (record.occurred_at, record.id), reverse=True)
        kept = newest[: page.limit]
        more = more or len(newest) > page.limit
        around = or_(col(AuditRecord.subject_id) == user_id, col(AuditRecord.actor_id) == user_id)
        count = await count_matching(self._session, matching.where(around)) if page.count else None
        return Slice(rows=kept, next_position=_NEWEST_FIRST.position_of(kept[-1]) if more else None, count=count)


_NEWEST_FIRST = SortOrder(
    (
        SortKey("occurred_at", col(AuditRecord.occurred_at), datetime.fromisoformat),
        SortKey("id", col(AuditRecord.id), UUID),
    ),
    descending=True,
)


def _equalities(wanted: AuditFilter) -> Sequence[_Equality]:
    names = ("subject_id", "actor_id", "network", "client_id", "event", "outcome")
    return [(name, value) for name in names if (value := getattr(wanted, name)) is not None]


def _hold(record: Any, equalities: Sequence[_Equality]) -> Sequence[ColumnElement[bool]]:  # noqa: ANN401 - or an alias
    """Say in SQL that these hold; of failures as their partial index is written, so that the planner can use it."""
    return [
        record.outcome == literal_column(f"'{value}'") if value is Outcome.FAILURE else getattr(record, name) == value
        for name, value in equalities
    ]


def _in_time(wanted: AuditFilter) -> SelectOfScalar[AuditRecord]:
    statement = select(AuditRecord)
    if wanted.occurred_from is not None:
        statement = statement.where(col(AuditRecord.occurred_at) >= wanted.occurred_from)
    if wanted.occurred_before is not None:
        statement = statement.where(col(AuditRecord.occurred_at) < wanted.occurred_before)
    return statement
