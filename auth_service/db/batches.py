"""Rows that are over, a batch at a time: the oldest first, and none that somebody else holds."""

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Delete, Update, select
from sqlalchemy.orm import Mapped

from auth_service.db.clock import database_now
from auth_service.db.session import Session


async def change_oldest(  # noqa: PLR0913 - what a batch is made of
    session: Session,
    change: Delete | Update,
    key: Mapped[Any],
    *which: ColumnElement[bool],
    moment: Mapped[Any],
    older_than: timedelta,
    limit: int,
) -> bool:
    """Change a batch of the rows whose `moment` is that long ago; say whether there may be more.

    Nobody is waited for: whoever waits while holding others can end in a deadlock. The time is read before, because a
    clock that goes on from row to row is nothing that an index can be searched by; the order makes the planner use the
    index of `moment`, where for any rows at all it would read the table until it met some. And the server itself hands
    on which rows they are: a thousand keys that come here and go back would keep this process from its requests.
    """
    old = (await (await session.connection()).execute(select(database_now()))).scalar_one() - older_than
    oldest = select(key).where(moment < old, *which).order_by(moment).limit(limit).with_for_update(skip_locked=True)
    if session.get_bind().dialect.name == "postgresql":  # where a subquery could be executed for each row
        oldest = select(oldest.cte("batch").prefix_with("MATERIALIZED").c[0])
    statement = change.where(key.in_(oldest)).execution_options(synchronize_session=False)
    return int((await session.exec(statement)).rowcount) == limit
