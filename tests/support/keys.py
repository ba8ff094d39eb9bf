"""Signing keys as they are stored, and time that passes for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import col, select, update

from auth_service.db.engine import Database
from auth_service.settings import Settings
from auth_service.tokens.models import SigningKeyRecord
from tests.support.service import Service


async def key_events(service: Service) -> dict[tuple[str, str], dict[str, object]]:
    """Return what the audit says about keys: the other facts of each event, by its kind and its key."""
    return {
        (event.event, event.detail["kid"]): {name: fact for name, fact in event.detail.items() if name != "kid"}
        for event in await service.audit_events()
        if event.event.startswith("signing_key.")
    }


@dataclass(frozen=True, slots=True)
class KeyStore:
    """The table of signing keys, seen past the service."""

    settings: Settings

    async def all(self) -> Sequence[SigningKeyRecord]:
        """Return every key, the oldest first."""
        database = Database(self.settings.database)
        async with database.transaction(writing=False) as session:
            records = (await session.exec(select(SigningKeyRecord).order_by("created_at", "kid"))).all()
        await database.dispose()
        return records

    async def states(self) -> dict[str, str]:
        """Return the state of each key by its name."""
        return {record.kid: record.state for record in await self.all()}

    async def kid(self, state: str) -> str:
        """Return the name of the one key in `state`."""
        (kid,) = [record.kid for record in await self.all() if record.state == state]
        return kid

    async def change(self, name: str, /, **columns: object) -> None:
        """Change the columns of the key called `name`."""
        database = Database(self.settings.database)
        async with database.transaction(writing=True) as session:
            await session.exec(update(SigningKeyRecord).where(col(SigningKeyRecord.kid) == name).values(**columns))
        await database.dispose()

    async def delete(self, state: str) -> None:
        """Delete the keys in `state`."""
        database = Database(self.settings.database)
        async with database.transaction(writing=True) as session:
            await session.exec(delete(SigningKeyRecord).where(col(SigningKeyRecord.state) == state))
        await database.dispose()

    async def let_pass(self, time: timedelta) -> None:
        """Make every key that much older."""
        for record in await self.all():
            moments = {name: getattr(record, name) for name in ("created_at", "activated_at", "retired_at")}
            earlier = {name: moment - time for name, moment in moments.items() if isinstance(moment, datetime)}
            await self.change(record.kid, **earlier)
