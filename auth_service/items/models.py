"""The table of items."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index, Uuid
from sqlmodel import Field, Relationship

from auth_service.db.base import Table
from auth_service.db.types import Money
from auth_service.items.fields import MAX_DESCRIPTION_LENGTH, MAX_TITLE_LENGTH
from auth_service.users.models import User


class Item(Table, table=True):
    """Something that a user owns.

    The relationship is one-way: with a second end on `User` the two rooms would import each other.
    """

    __tablename__ = "items"
    __table_args__ = (
        Index("ix_items_owner_id_created_at_id", "owner_id", "created_at", "id"),
        Index("ix_items_created_at_id", "created_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    owner_id: UUID = Field(sa_column=Column(Uuid(), ForeignKey("users.id", ondelete="CASCADE"), nullable=False))
    title: str = Field(max_length=MAX_TITLE_LENGTH)
    description: str | None = Field(default=None, max_length=MAX_DESCRIPTION_LENGTH)
    price: Decimal | None = Field(default=None, sa_column=Column(Money, nullable=True))
    created_at: datetime
    updated_at: datetime

    owner: User = Relationship(sa_relationship_kwargs={"lazy": "raise"})

    @property
    def loaded_owner(self) -> User | None:
        """The owner, if the statement that loaded this item was asked for it; never a statement of its own."""
        return self.__dict__.get("owner")
