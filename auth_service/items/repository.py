"""The SQL of items."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, bindparam, delete, insert, or_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload
from sqlalchemy.sql.base import ExecutableOption
from sqlmodel import col, select

from auth_service.db.hot_statement import HotStatement, columns_of, detached
from auth_service.db.hot_write import HotWrite
from auth_service.db.keyset import PageRequest, Slice, SortKey, SortOrder, fetch_slice
from auth_service.db.session import Session
from auth_service.items.errors import ItemNotFoundError, OwnerGoneError
from auth_service.items.models import Item
from auth_service.items.queries import ItemSort


class ItemRepository:
    """Items, within one unit of work; `visible` is the caller's part of them, in SQL."""

    def __init__(self, session: Session) -> None:
        """Read and write in `session`."""
        self._session = session

    async def get(self, item_id: UUID, *, owner_id: UUID | None) -> Item:
        """Return the item for reading only, of this owner or of anybody; raises ItemNotFoundError."""
        row = await _ITEM.find(self._session, item_id=item_id, of=owner_id)
        if row is None:
            raise ItemNotFoundError
        return detached(Item, row)

    async def get_with_owner(self, item_id: UUID, *, visible: ColumnElement[bool]) -> Item:
        """Return the item, its owner loaded in the same statement; raises ItemNotFoundError."""
        statement = select(Item).where(Item.id == item_id, visible).options(*_loading(with_owner=True))
        item = (await self._session.exec(statement)).one_or_none()
        if item is None:
            raise ItemNotFoundError
        return item

    async def get_for_update(self, item_id: UUID, *, visible: ColumnElement[bool]) -> Item:
        """Return the item and lock its row; raises ItemNotFoundError."""
        statement = select(Item).where(Item.id == item_id, visible).with_for_update()
        item = (await self._session.exec(statement)).one_or_none()
        if item is None:
            raise ItemNotFoundError
        return item

    async def list(
        self,
        sort: ItemSort,
        page: PageRequest,
        *,
        visible: ColumnElement[bool],
        owner_id: UUID | None,
        with_owner: bool,
    ) -> Slice[Item]:
        """Return one page of the visible items, of one owner if wanted."""
        statement = select(Item).where(visible).options(*_loading(with_owner=with_owner))
        if owner_id is not None:
            statement = statement.where(col(Item.owner_id) == owner_id)
        return await fetch_slice(self._session, statement, _ORDERS[sort], page)

    async def add(self, item: Item) -> None:
        """Store a new item, and with it what waits to be written; raises OwnerGoneError."""
        new = {_NEW + name: getattr(item, name) for name in Item.model_fields}
        try:
            await _INSERTION.run(self._session, new)
        except IntegrityError as error:
            if "foreign key" in str(error.orig).lower():
                raise OwnerGoneError from error
            raise

    async def update(self, item_id: UUID, changes: Mapping[str, Any], *, owner_id: UUID | None) -> Item:
        """Change these columns of an item, of this owner or of anybody, and return it for reading.

        What waits to be written is written with it. Raises ItemNotFoundError.
        """
        parameters = {"item_id": item_id, "of": owner_id, **{_NEW + name: new for name, new in changes.items()}}
        row = await _update_of(frozenset(changes)).run(self._session, parameters)
        if row is None:
            raise ItemNotFoundError
        return detached(Item, row)

    async def delete(self, item: Item) -> None:
        """Remove an item."""
        await self._session.exec(delete(Item).where(col(Item.id) == item.id))


_COLUMNS = columns_of(Item)
_OF = bindparam("of", type_=Uuid())  # an UPDATE has its own use for the names of columns
_IS_WANTED = (col(Item.id) == bindparam("item_id"), or_(_OF.is_(None), col(Item.owner_id) == _OF))
_ITEM = HotStatement(select(*_COLUMNS).where(*_IS_WANTED))
_NEW = "new_"
_INSERTION = HotWrite(
    insert(Item).values({name: bindparam(_NEW + name) for name in Item.model_fields}).returning(col(Item.id))
)


@cache
def _update_of(names: frozenset[str]) -> HotWrite:
    """Return the statement that changes these columns: putting it together takes longer than running it."""
    new: dict[str, Any] = {name: bindparam(_NEW + name) for name in names}
    return HotWrite(update(Item).where(*_IS_WANTED).values(new).returning(*_COLUMNS))


_CREATED = (SortKey("created_at", col(Item.created_at), datetime.fromisoformat), SortKey("id", col(Item.id), UUID))
_ORDERS = {
    ItemSort.CREATED: SortOrder(_CREATED),
    ItemSort.CREATED_LAST_FIRST: SortOrder(_CREATED, descending=True),
}


def _loading(*, with_owner: bool) -> list[ExecutableOption]:
    return [joinedload(Item.owner, innerjoin=True)] if with_owner else []  # type: ignore[arg-type]
