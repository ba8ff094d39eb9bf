"""Items: owner-scoped, and deletable by administrators only."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from auth_service.api.dependencies import Work
from auth_service.api.guards import CurrentAdminUser, CurrentPrincipal
from auth_service.api.openapi import problems
from auth_service.api.pagination import Page, PageAnswer, PageQuery, RequestCursors
from auth_service.items.errors import ItemNotFoundError, OwnerGoneError
from auth_service.items.models import Item
from auth_service.items.queries import ItemSort
from auth_service.items.schemas import ItemCreate, ItemRead, ItemUpdate

router = APIRouter(prefix="/items", tags=["items"])

Include = Literal["owner"]


class ItemQuery(BaseModel):
    """What to add to an item."""

    model_config = ConfigDict(extra="forbid")

    include: Include | None = Field(default=None, description="`owner` adds the owner's account.")


class ItemListQuery(PageQuery):
    """Which items, in which order."""

    owner_id: UUID | None = Field(default=None, description="Only the items of this user.")
    include: Include | None = Field(default=None, description="`owner` adds each owner's account.")
    sort: ItemSort = ItemSort.CREATED


@router.post("", status_code=201, response_model=ItemRead, responses=problems(400, 401, 403, OwnerGoneError, 422))
async def create_item(new_item: ItemCreate, principal: CurrentPrincipal, work: Work) -> Item:
    """Create an item of one's own."""
    return await work.items.create(principal, new_item)


@router.get("", response_model=Page[ItemRead], responses=problems(400, 401, 403, 422))
async def list_items(
    query: Annotated[ItemListQuery, Query()], principal: CurrentPrincipal, cursors: RequestCursors, work: Work
) -> PageAnswer[Item]:
    """List one's own items; an administrator sees everybody's."""
    found = await work.items.list(
        principal,
        query.sort,
        cursors.requested(query),
        owner_id=query.owner_id,
        with_owner=query.include == "owner",
    )
    return cursors.answer(found)


@router.get("/{item_id}", response_model=ItemRead, responses=problems(400, 401, 403, ItemNotFoundError, 422))
async def read_item(
    item_id: UUID, query: Annotated[ItemQuery, Query()], principal: CurrentPrincipal, work: Work
) -> Item:
    """Read an item of one's own, or any as an administrator."""
    return await work.items.get(principal, item_id, with_owner=query.include == "owner")


@router.patch("/{item_id}", response_model=ItemRead, responses=problems(400, 401, 403, ItemNotFoundError, 422))
async def update_item(item_id: UUID, change: ItemUpdate, principal: CurrentPrincipal, work: Work) -> Item:
    """Change an item of one's own, or any as an administrator. What is not sent stays as it is."""
    return await work.items.update(principal, item_id, change)


@router.put("/{item_id}", response_model=ItemRead, responses=problems(400, 401, 403, ItemNotFoundError, 422))
async def put_item(item_id: UUID, change: ItemUpdate, principal: CurrentPrincipal, work: Work) -> Item:
    """Change an item, like PATCH: what is not sent stays as it is."""
    return await work.items.update(principal, item_id, change)


@router.delete(
    "/{item_id}", status_code=204, response_class=Response, responses=problems(400, 401, 403, ItemNotFoundError, 422)
)
async def delete_item(item_id: UUID, _admin: CurrentAdminUser, principal: CurrentPrincipal, work: Work) -> None:
    """Delete an item for good. Administrators only."""
    await work.items.delete(principal, item_id)
