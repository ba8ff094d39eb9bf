"""Pages on the wire: the query that asks for one, the cursor between two, the shape of the answer."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Generic, TypedDict, TypeVar

from fastapi import Depends, Request
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from auth_service.api.dependencies import get_runtime
from auth_service.db.keyset import InvalidPositionError, PageRequest, Position, Slice
from auth_service.security import base64url
from auth_service.security.errors import UndecryptableError
from auth_service.security.secrets import SecretBox
from auth_service.security.text import Text
from auth_service.wiring.runtime import Runtime

MAX_CURSOR_LENGTH = 2048
_NOT_PART_OF_THE_QUERY = {"cursor", "limit", "count"}

Shape = TypeVar("Shape")
Row = TypeVar("Row")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside the calendar") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class PageQuery(BaseModel):
    """What every list is asked with."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=20, ge=1, le=100, description="How many rows at most.")
    cursor: Text | None = Field(
        default=None,
        max_length=MAX_CURSOR_LENGTH,
        description="`next_cursor` of the page before, with the same filters and the same sort.",
    )
    count: bool = Field(default=False, description="Also count the rows of all pages, up to a limit.")


class Page(BaseModel, Generic[Shape]):
    """One page of a list."""

    data: list[Shape]
    next_cursor: str | None = Field(
        description="Ask with this for the next page; null at the end. Until then a page may hold less than `limit`."
    )
    count: int | None = Field(
        default=None, exclude_if=lambda count: count is None, description="Only when it was asked for."
    )
    count_is_exact: bool | None = Field(
        default=None,
        exclude_if=lambda is_exact: is_exact is None,
        description="With `count`: false when there are at least that many, and counting ended there.",
    )


class PageAnswer(TypedDict, Generic[Row]):
    """A page before its rows are given the public shape."""

    data: list[Row]
    next_cursor: str | None
    count: int | None
    count_is_exact: bool | None


def everything(rows: Sequence[Row]) -> PageAnswer[Row]:
    """Answer with a list that is short by its nature, in the shape of all lists."""
    return {"data": list(rows), "next_cursor": None, "count": None, "count_is_exact": None}


class Cursors:
    """Turns positions into cursors and back: encrypted and signed, and only good for the query that they come from."""

    def __init__(self, request: Request, box: SecretBox) -> None:
        """Bind cursors to the path, the filters and the sort of `request`."""
        asked = sorted(pair for pair in request.query_params.multi_items() if pair[0] not in _NOT_PART_OF_THE_QUERY)
        self._context = sha256(json.dumps([request.scope["path"], asked]).encode()).digest()
        self._box = box

    def requested(self, query: PageQuery) -> PageRequest:
        """Return which page `query` asks for; raises InvalidPositionError."""
        after = self._open(query.cursor) if query.cursor is not None else None
        return PageRequest(limit=query.limit, after=after, count=query.count)

    def answer(self, found: Slice[Row]) -> PageAnswer[Row]:
        """Return the page that was found."""
        next_cursor = self._seal(found.next_position) if found.next_position is not None else None
        count, is_exact = (found.count.number, found.count.is_exact) if found.count is not None else (None, None)
        return {"data": list(found.rows), "next_cursor": next_cursor, "count": count, "count_is_exact": is_exact}

    def _seal(self, position: Position) -> str:
        sealed = self._box.seal(json.dumps(list(position)).encode(), context=self._context)
        return base64url.encode(sealed)

    def _open(self, cursor: str) -> Position:
        try:
            position: list[str] = json.loads(self._box.open(base64url.decode(cursor), context=self._context))
        except (ValueError, UndecryptableError):
            raise InvalidPositionError from None
        return position


async def get_cursors(request: Request, runtime: Annotated[Runtime, Depends(get_runtime)]) -> Cursors:
    """Return the cursors of this request's list."""
    return Cursors(request, runtime.cursor_box)


RequestCursors = Annotated[Cursors, Depends(get_cursors)]
