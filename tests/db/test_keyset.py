"""Positions between two pages: what a sort order cannot have is refused and never reaches the database."""

from collections.abc import Sequence

import pytest

from auth_service.db.keyset import InvalidPositionError
from auth_service.users.queries import UserSort
from auth_service.users.search import _ORDERS


@pytest.mark.parametrize("sort", [UserSort.CREATED, UserSort.CREATED_LAST_FIRST])
@pytest.mark.parametrize(
    "position",
    [
        [],
        ["2026-01-01T00:00:00+00:00"],
        ["yesterday", "01890a5d-ac96-774b-bcce-b302099a8057"],
        ["2026-01-01T00:00:00+00:00", "7"],
        ["2026-01-01T00:00:00+00:00", "01890a5d-ac96-774b-bcce-b302099a8057", "more"],
    ],
    ids=len,
)
def test_a_position_that_the_order_cannot_have_is_refused(sort: UserSort, position: Sequence[str]) -> None:
    with pytest.raises(InvalidPositionError):
        _ORDERS[sort].behind(position)
