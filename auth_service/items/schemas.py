"""The shapes of an item on the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from auth_service.items.fields import Description, Price, Title
from auth_service.security.client_input import ClientInput, absent
from auth_service.users.schemas import UserRead


class ItemCreate(ClientInput):
    """A new item; whoever sends it owns it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "A blue bicycle", "price": 129.5}]})

    title: Title
    description: Description | None = None
    price: Price | None = None


class ItemUpdate(ClientInput):
    """A change of an item: what is not sent stays as it is, for PUT as well as for PATCH."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"price": 99}]})

    title: Title = Field(default_factory=absent)
    description: Description | None = None
    price: Price | None = None


class ItemRead(BaseModel):
    """An item as its owner and administrators see it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    owner_id: UUID
    title: str = Field(examples=["A blue bicycle"])
    description: str | None = Field(examples=["Ridden twice."])
    price: Price | None
    created_at: datetime
    updated_at: datetime
    owner: UserRead | None = Field(
        default=None,
        validation_alias="loaded_owner",
        exclude_if=lambda owner: owner is None,
        description="Only when it was asked for by include=owner.",
    )
