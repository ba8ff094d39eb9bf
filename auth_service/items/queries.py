"""What can be asked of the items: in which order."""

from enum import StrEnum


class ItemSort(StrEnum):
    """The orders in which items are listed; a minus sign means the last one first."""

    CREATED = "created_at"
    CREATED_LAST_FIRST = "-created_at"
