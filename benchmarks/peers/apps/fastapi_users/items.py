"""Items of the peer built on fastapi-users, as a tutorial for FastAPI with SQLAlchemy writes them."""

import uuid

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db import Item, User, get_async_session
from users import current_active_user

router = APIRouter(prefix="/items", tags=["items"])


class ItemCreate(BaseModel):
    """A new item."""

    title: str
    description: str | None = None
    price: float | None = None


class ItemUpdate(BaseModel):
    """A change of an item."""

    title: str | None = None
    description: str | None = None
    price: float | None = None


class ItemRead(BaseModel):
    """An item as the API shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    owner_id: uuid.UUID
    title: str
    description: str | None
    price: float | None


async def get_own_item(
    item_id: uuid.UUID,
    user: User = Depends(current_active_user),
    session: AsyncSession = Depends(get_async_session),
) -> Item:
    """Return an item of the caller's."""
    item = await session.scalar(select(Item).where(Item.id == item_id, Item.owner_id == user.id))
    if item is None:
        raise HTTPException(status_code=404)
    return item


@router.post("", response_model=ItemRead, status_code=201)
async def create_item(
    new_item: ItemCreate,
    user: User = Depends(current_active_user),
    session: AsyncSession = Depends(get_async_session),
) -> Item:
    """Create an item of one's own."""
    item = Item(owner_id=user.id, **new_item.model_dump())
    session.add(item)
    await session.commit()
    await session.refresh(item)
    return item


@router.get("/{item_id}", response_model=ItemRead)
async def read_item(item: Item = Depends(get_own_item)) -> Item:
    """Read an item of one's own."""
    return item


@router.patch("/{item_id}", response_model=ItemRead)
async def update_item(
    change: ItemUpdate, item: Item = Depends(get_own_item), session: AsyncSession = Depends(get_async_session)
) -> Item:
    """Change an item of one's own."""
    for name, value in change.model_dump(exclude_unset=True).items():
        setattr(item, name, value)
    await session.commit()
    await session.refresh(item)
    return item
