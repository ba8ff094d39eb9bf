"""What can be asked of the users: which ones, in which order."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class UserSort(StrEnum):
    """The orders in which users are listed; a minus sign means the last one first."""

    CREATED = "created_at"
    CREATED_LAST_FIRST = "-created_at"
    EMAIL = "email"
    EMAIL_LAST_FIRST = "-email"


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users are wanted; None means "either". `created_from` is included, `created_before` is not."""

    search: str | None = None
    is_active: bool | None = None
    is_superuser: bool | None = None
    email_verified: bool | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
