"""The SQL of searching users: which rows a list is made of, so that it is quick however many users there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, not_, true
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from auth_service.db.keyset import PageRequest, Slice, SortKey, SortOrder, fetch_sifted_slice, fetch_slice
from auth_service.db.session import Session
from auth_service.users.models import User, UserSearchTerm
from auth_service.users.queries import UserFilter, UserSort
from auth_service.users.search_terms import search_words

MAX_SORTED = 2_000
_HIGHEST_CODE_POINT = "\U0010ffff"
_BY_ADDRESS = {UserSort.EMAIL, UserSort.EMAIL_LAST_FIRST}


async def search_users(session: Session, wanted: UserFilter, sort: UserSort, page: PageRequest) -> Slice[User]:
    """Return one page of the users that `wanted` describes.

    Flags go along with an index in the order of the list. Words do not, nor does a time where the order is another. So
    those of them that fit fewest are fetched and sorted; when that is too many, the list is walked instead, where many
    fit by then. The database is not left to choose, because it cannot know how two conditions go together.
    """
    narrowings = _narrowings(wanted, sort)
    matching = select(User).where(*_flags(wanted))
    if sort not in _BY_ADDRESS:
        matching = matching.where(_Created(wanted).fits(User))
    if not narrowings:
        return await fetch_slice(session, matching, _ORDERS[sort], page)
    rarest = await _rarest(session, narrowings)
    if rarest is None:
        return await fetch_sifted_slice(
            session, matching, _ORDERS[sort], page, lambda user: [each.fits(user) for each in narrowings]
        )
    found = rarest.user_ids().cte("found").prefix_with("MATERIALIZED", dialect="postgresql")
    others = [each.fits(User) for each in narrowings if each is not rarest]
    few = matching.where(col(User.id).in_(select(found.c[0])), *others)
    return await fetch_slice(session, few, _ORDERS[sort], page)


@dataclass(frozen=True, slots=True)
class _Prefix:
    """Some term of the user begins with these letters."""

    letters: str

    def user_ids(self) -> SelectOfScalar[UUID]:
        return select(UserSearchTerm.user_id).where(*self._range())

    def fits(self, user: Any) -> ColumnElement[bool]:  # noqa: ANN401 - the table or an alias of it
        return exists().where(col(UserSearchTerm.user_id) == user.id, *self._range())

    def _range(self) -> Sequence[ColumnElement[bool]]:
        term = col(UserSearchTerm.term)
        return term >= self.letters, term < self.letters + _HIGHEST_CODE_POINT


@dataclass(frozen=True, slots=True)
class _Created:
    """The account was created in this time."""

    wanted: UserFilter

    def user_ids(self) -> SelectOfScalar[UUID]:
        return select(User.id).where(self.fits(User))

    def fits(self, user: Any) -> ColumnElement[bool]:  # noqa: ANN401 - the table or an alias of it
        conditions: list[ColumnElement[bool]] = []
        if self.wanted.created_from is not None:
            conditions.append(user.created_at >= self.wanted.created_from)
        if self.wanted.created_before is not None:
            conditions.append(user.created_at < self.wanted.created_before)
        return and_(true(), *conditions)


def _narrowings(wanted: UserFilter, sort: UserSort) -> Sequence[_Prefix | _Created]:
    words = [_Prefix(word) for word in search_words(wanted.search or "")]
    has_time = wanted.created_from is not None or wanted.created_before is not None
    return [*words, _Created(wanted)] if has_time and sort in _BY_ADDRESS else words


async def _rarest(session: Session, narrowings: Sequence[_Prefix | _Created]) -> _Prefix | _Created | None:
    """Return what fits fewest, or None when all of it fits more than can be sorted quickly."""
    counts = [
        select(func.count()).select_from(each.user_ids().limit(MAX_SORTED + 1).subquery()).scalar_subquery()
        for each in narrowings
    ]
    row = (await (await session.connection()).execute(select(*counts))).one()
    fewest = min(row)
    return narrowings[list(row).index(fewest)] if fewest <= MAX_SORTED else None


def _flags(wanted: UserFilter) -> Sequence[ColumnElement[bool]]:
    """Conditions are written the way the partial indexes are, so that the planner can use them."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.is_active is not None:
        conditions.append(and_(col(User.is_active)) if wanted.is_active else not_(col(User.is_active)))
    if wanted.is_superuser is not None:
        conditions.append(and_(col(User.is_superuser)) if wanted.is_superuser else not_(col(User.is_superuser)))
    if wanted.email_verified is not None:
        verified_at = col(User.email_verified_at)
        conditions.append(verified_at.is_not(None) if wanted.email_verified else verified_at.is_(None))
    return conditions


_CREATED = (SortKey("created_at", col(User.created_at), datetime.fromisoformat), SortKey("id", col(User.id), UUID))
_EMAIL = (SortKey("email_normalized", col(User.email_normalized), str),)
_ORDERS = {
    UserSort.CREATED: SortOrder(_CREATED),
    UserSort.CREATED_LAST_FIRST: SortOrder(_CREATED, descending=True),
    UserSort.EMAIL: SortOrder(_EMAIL),
    UserSort.EMAIL_LAST_FIRST: SortOrder(_EMAIL, descending=True),
}
