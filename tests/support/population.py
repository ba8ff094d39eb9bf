"""Many users at once: stored without hashing a password for each of them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from auth_service.clients.models import FIRST_PARTY_CLIENT_ID
from auth_service.db.uuid7 import uuid7
from auth_service.items.models import Item
from auth_service.tokens.sessions import Opening
from auth_service.users.email_address import normalize_email
from auth_service.users.models import User
from auth_service.users.repository import UserRepository
from tests.support.service import Service
from tests.support.settings import ISSUER

START = datetime(2026, 1, 1, tzinfo=UTC)


async def store_users(service: Service, *users: dict[str, Any]) -> list[UUID]:
    """Store a user for each set of fields; the first one was created at START, every other one a minute later."""
    stored = [_user(number, fields) for number, fields in enumerate(users)]
    async with service.runtime.database.transaction(writing=True) as session:
        repository = UserRepository(session)
        for user in stored:
            await repository.add(user)
    return [user.id for user in stored]


async def store_item(service: Service, owner_id: UUID, **fields: Any) -> UUID:
    """Store an item, also for an owner who cannot do it any more."""
    item = Item(**{"id": uuid7(START), "title": "A bell", "created_at": START, "updated_at": START, **fields})
    item.owner_id = owner_id
    async with service.runtime.database.transaction(writing=True) as session:
        session.add(item)
    return item.id


async def store_session(service: Service, user_id: UUID) -> UUID:
    """Open a session, also for somebody who cannot sign in any more."""
    async with service.runtime.unit_of_work(writing=True) as work:
        opening = Opening(
            user=await work.session.get_one(User, user_id),
            client_id=FIRST_PARTY_CLIENT_ID,
            scopes=["profile:read"],
            audiences=[ISSUER],
            amr=["pwd"],
            network=None,
            user_agent=None,
            refreshable=True,
        )
        session, _ = await work.sessions.open(opening)
    return session.id


def _user(number: int, fields: dict[str, Any]) -> User:
    created_at = fields.get("created_at", START + timedelta(minutes=number))
    email = fields.get("email", f"person{number:03}@example.com")
    defaults = {
        "id": uuid7(created_at),
        "email": email,
        "email_normalized": normalize_email(email),
        "created_at": created_at,
        "updated_at": created_at,
    }
    return User(**{**defaults, **fields})
