"""The SQL of searching users: which rows a list is made of, so that it is quick however many users there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, not_, true
from sqlmodel import col, select
from sqlmodel.sql.expression import Select, SelectOfScalar

from auth_service.db.keyset import PageRequest, Slice, SortKey, SortOrder, fetch_sifted_slice, fetch_slice
from auth_service.db.session import Session
from auth_service.users.models import User, UserSearchTerm
from auth_service.users.queries import UserFilter, UserSort
from auth_service.users.search_terms import search_words

MAX_SORTED, MAX_SORTED_BY_ADDRESS = 3_000, 500
_HIGHEST_CODE_POINT = "\U0010ffff"
_BY_ADDRESS = {UserSort.EMAIL, UserSort.EMAIL_LAST_FIRST}


async def search_users(session: Session, wanted: UserFilter, sort: UserSort, page: PageRequest) -> Slice[User]:
    """Return one page of the users that `wanted` describes.

    By time of creation, flags and times have an index in the order of the list; words have none, and by address nothing
    has. So those are fetched and sorted whom the rarest condition fits. When these are too many, the list is walked,
    where one meets them often then. The database is not left to choose: how two conditions go together, it cannot know.
    """
    order, narrowings = _ORDERS[sort], _narrowings(wanted, sort)
    matching = select(User).where(*(each.fits(User) for each in _indexed(wanted, sort)))
    if not narrowings:
        return await fetch_slice(session, matching, order, page)
    is_by_address = sort in _BY_ADDRESS
    rarest = await _rarest(session, narrowings, at_most=MAX_SORTED_BY_ADDRESS if is_by_address else MAX_SORTED)
    if rarest is None:
        sieve = partial(_fitting, narrowings)
        return await fetch_sifted_slice(session, matching, order, page, sieve)
    few = matching.where(*_fitting([each for each in narrowings if each is not rarest], User))
    if isinstance(rarest, _Prefix) and not is_by_address:
        found = rarest.users_in_order(order).subquery()
        few, order = (
            few.join(found, col(User.id) == found.c.user_id),
            order.in_terms_of(found.c.created_at, found.c.user_id),
        )
    else:
        some = rarest.user_ids().cte("found").prefix_with("MATERIALIZED", dialect="postgresql")
        few = few.where(col(User.id).in_(select(some.c[0])))
    return await fetch_slice(session, few, order, page)


@dataclass(frozen=True, slots=True)
class _Prefix:
    """Some term of the user begins with these letters.

    The offset keeps the planner from joining: it would read all terms of a common word where twenty users are enough.
    """

    letters: str

    def user_ids(self) -> SelectOfScalar[UUID]:
        return select(UserSearchTerm.user_id).where(*self._range())

    def users_in_order(self, order: SortOrder) -> Select[datetime, UUID]:
        """Whom it finds, in this order of time: the index has all that is asked for."""
        keys = (col(UserSearchTerm.created_at), col(UserSearchTerm.user_id))
        return select(*keys).where(*self._range()).distinct().order_by(*order.in_terms_of(*keys).clauses())

    def fits(self, user: Any) -> ColumnElement[bool]:  # noqa: ANN401 - the table or an alias of it
        """Say it so that only the few terms of this user can be looked through, not all that begin so."""
        own = col(UserSearchTerm.user_id) == user.id
        begins_so = func.substr(UserSearchTerm.term, 1, len(self.letters)) == self.letters
        return select(UserSearchTerm.user_id).where(own, begins_so).offset(0).exists()

    def _range(self) -> Sequence[ColumnElement[bool]]:
        term = col(UserSearchTerm.term)
        return term >= self.letters, term < self.letters + _HIGHEST_CODE_POINT


@dataclass(frozen=True, slots=True)
class _Created:
    """The account was created in this time."""

    since: datetime | None
    before: datetime | None

    def user_ids(self) -> SelectOfScalar[UUID]:
        return select(User.id).where(self.fits(User))

    def fits(self, user: Any) -> ColumnElement[bool]:  # noqa: ANN401 - the table or an alias of it
        conditions = [user.created_at >= self.since] if self.since is not None else []
        return and_(true(), *conditions, *([user.created_at < self.before] if self.before is not None else []))


@dataclass(frozen=True, slots=True)
class _Flag:
    """The account is or is not so; written the way the partial indexes are, so that the planner can use them."""

    name: str
    is_set: bool

    def user_ids(self) -> SelectOfScalar[UUID]:
        return select(User.id).where(self.fits(User))

    def fits(self, user: Any) -> ColumnElement[bool]:  # noqa: ANN401 - the table or an alias of it
        if self.name == "email_verified":
            return and_(user.email_verified_at.is_not(None) if self.is_set else user.email_verified_at.is_(None))
        column = getattr(user, self.name)
        return and_(column) if self.is_set else not_(column)


_Condition = _Prefix | _Created | _Flag
_OF_NEARLY_ALL = {_Flag("is_active", is_set=True), _Flag("is_superuser", is_set=False)}


def _narrowings(wanted: UserFilter, sort: UserSort) -> Sequence[_Condition]:
    """Return the conditions without an index in the order of the list."""
    words = [_Prefix(word) for word in search_words(wanted.search or "")]
    return [*words, *(each for each in _on_accounts(wanted) if sort in _BY_ADDRESS and each not in _OF_NEARLY_ALL)]


def _indexed(wanted: UserFilter, sort: UserSort) -> Sequence[_Condition]:
    """Return the others, and those that most accounts meet anyhow."""
    return [each for each in _on_accounts(wanted) if sort not in _BY_ADDRESS or each in _OF_NEARLY_ALL]


def _on_accounts(wanted: UserFilter) -> Sequence[_Created | _Flag]:
    flags = ("is_active", "is_superuser", "email_verified")
    conditions: list[_Created | _Flag] = [
        _Flag(name, is_set) for name in flags if (is_set := getattr(wanted, name)) is not None
    ]
    if wanted.created_from is not None or wanted.created_before is not None:
        conditions.append(_Created(wanted.created_from, wanted.created_before))
    return conditions


def _fitting(conditions: Sequence[_Condition], user: Any) -> Sequence[ColumnElement[bool]]:  # noqa: ANN401 - as above
    return [each.fits(user) for each in conditions]


async def _rarest(session: Session, conditions: Sequence[_Condition], *, at_most: int) -> _Condition | None:
    """Return what fits fewest, or None when all of it fits more than can be sorted quickly."""
    some = [each.user_ids().limit(at_most + 1).subquery() for each in conditions]
    counts = [select(func.count()).select_from(each).scalar_subquery() for each in some]
    numbers = list((await (await session.connection()).execute(select(*counts))).one())
    return conditions[numbers.index(min(numbers))] if min(numbers) <= at_most else None


_CREATED = (SortKey("created_at", col(User.created_at), datetime.fromisoformat), SortKey("id", col(User.id), UUID))
_EMAIL = (SortKey("email_normalized", col(User.email_normalized), str),)
_ORDERS = {
    UserSort.CREATED: SortOrder(_CREATED),
    UserSort.CREATED_LAST_FIRST: SortOrder(_CREATED, descending=True),
    UserSort.EMAIL: SortOrder(_EMAIL),
    UserSort.EMAIL_LAST_FIRST: SortOrder(_EMAIL, descending=True),
}
