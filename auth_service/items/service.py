"""Owner-scoped items: the worked example of a resource that users own."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col

from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize, visible_owner, visible_to
from auth_service.authz.principal import Principal
from auth_service.db.keyset import PageRequest, Slice
from auth_service.db.replica import Lists
from auth_service.db.uuid7 import uuid7
from auth_service.items.models import Item
from auth_service.items.queries import ItemSort
from auth_service.items.repository import ItemRepository
from auth_service.items.schemas import ItemCreate, ItemUpdate


@dataclass(frozen=True, slots=True)
class ItemService:
    """One method per use case; all of them raise AccessDeniedError when the caller or the token may not."""

    items: ItemRepository
    lists: Lists
    audit: AuditTrail
    now: datetime

    async def create(self, principal: Principal, new_item: ItemCreate) -> Item:
        """Store an item that the caller owns."""
        authorize(principal, Action.ITEM_CREATE, owner_id=principal.subject)
        item = Item(
            id=uuid7(self.now),
            owner_id=cast("UUID", principal.subject),  # nobody owns nothing: authorized above
            created_at=self.now,
            updated_at=self.now,
            **new_item.model_dump(),
        )
        self.audit.record(AuditEvent.ITEM_CREATED, actor=principal, subject=item.id)
        await self.items.add(item)  # last: it takes the event along
        return item

    async def get(self, principal: Principal, item_id: UUID, *, with_owner: bool = False) -> Item:
        """Return an item; a foreign one is as missing as one that never was (ItemNotFoundError)."""
        if with_owner:
            return await self.items.get_with_owner(item_id, visible=_visible(principal, with_owner=True))
        return await self.items.get(item_id, owner_id=visible_owner(principal, Action.ITEM_READ))

    async def list(
        self, principal: Principal, sort: ItemSort, page: PageRequest, *, owner_id: UUID | None, with_owner: bool
    ) -> Slice[Item]:
        """Return one page of the items that the caller may see."""
        visible = _visible(principal, with_owner=with_owner)
        return await self.lists.read(
            lambda session: ItemRepository(session).list(
                sort, page, visible=visible, owner_id=owner_id, with_owner=with_owner
            )
        )

    async def newest_of(self, principal: Principal, owner_id: UUID, page: PageRequest) -> Slice[Item]:
        """Return one page of somebody's items, the newest first."""
        return await self.list(principal, ItemSort.CREATED_LAST_FIRST, page, owner_id=owner_id, with_owner=False)

    async def update(self, principal: Principal, item_id: UUID, change: ItemUpdate) -> Item:
        """Change the fields that were sent; raises ItemNotFoundError."""
        owner_id = visible_owner(principal, Action.ITEM_UPDATE)
        changes = {**change.model_dump(exclude_unset=True), "updated_at": self.now}
        self.audit.record(
            AuditEvent.ITEM_UPDATED, actor=principal, subject=item_id, fields=sorted(change.model_fields_set)
        )
        return await self.items.update(item_id, changes, owner_id=owner_id)  # last, as above

    async def delete(self, principal: Principal, item_id: UUID) -> None:
        """Remove an item: administrators only, so that anybody else learns nothing about which items there are."""
        visible = visible_to(principal, Action.ITEM_DELETE, col(Item.owner_id))
        item = await self.items.get_for_update(item_id, visible=visible)
        await self.items.delete(item)
        self.audit.record(AuditEvent.ITEM_DELETED, actor=principal, subject=item.id)


def _visible(principal: Principal, *, with_owner: bool) -> ColumnElement[bool]:
    """Say which items may be read; with their owners, those whose owner's account may be read as well."""
    visible = visible_to(principal, Action.ITEM_READ, col(Item.owner_id))
    return visible & visible_to(principal, Action.USER_READ, col(Item.owner_id)) if with_owner else visible
