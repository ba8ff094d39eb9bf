"""What is stored, so that a test can say that nothing of a refused request is."""

from typing import Any

from sqlmodel import SQLModel, col, select

from auth_service.audit.events import Outcome
from auth_service.audit.models import AuditRecord
from auth_service.clients.models import Client
from auth_service.items.models import Item
from auth_service.users.models import User, UserSearchTerm
from tests.support.service import Service

_TABLES: tuple[type[SQLModel], ...] = (User, UserSearchTerm, Item, Client)


async def stored_rows(service: Service) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table; of the audit, only what was done: a refusal may leave a trace."""
    async with service.runtime.database.transaction(writing=False) as session:
        rows = {table.__name__: list((await session.exec(select(table))).all()) for table in _TABLES}
        done = select(AuditRecord).where(col(AuditRecord.outcome) == Outcome.SUCCESS.value)
        rows["AuditRecord"] = list((await session.exec(done)).all())
    return {name: sorted((row.model_dump() for row in found), key=repr) for name, found in rows.items()}
