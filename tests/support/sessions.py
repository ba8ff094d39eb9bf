"""Sessions as their clients see them, how they are stored, and how time passes for them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from httpx import Response
from sqlalchemy import update
from sqlmodel import col, select

from auth_service.authz.scopes import Scope
from auth_service.clients.models import Client
from auth_service.tokens.models import RevocationCounter, RevocationRecord, SessionRecord
from auth_service.tokens.revocations import RevocationKind, revocation_digest
from tests.support.service import Service

WINDOW = timedelta(seconds=10)


async def refresh(service: Service, token: str, *, user_agent: str = "tests", **parameters: str) -> Response:
    """Present a refresh token."""
    form = {"grant_type": "refresh_token", "refresh_token": token, **parameters}
    return await service.client.post("/oauth/token", data=form, headers={"User-Agent": user_agent})


async def next_token(service: Service, token: str, **parameters: str) -> str:
    """Present a refresh token that is good, and return its successor."""
    answer = await refresh(service, token, **parameters)
    assert answer.status_code == 200, answer.text
    successor: str = answer.json()["refresh_token"]
    return successor


async def stored_session(service: Service, session_id: UUID) -> SessionRecord | None:
    async with service.runtime.database.transaction(writing=False) as session:
        return await session.get(SessionRecord, session_id)


async def session_row(service: Service, session_id: UUID) -> SessionRecord:
    """Return the row of a session that is there."""
    row = await stored_session(service, session_id)
    assert row is not None
    return row


async def is_alive(service: Service, session_id: UUID) -> bool:
    return (await session_row(service, session_id)).ended_at is None


async def let_time_pass(service: Service, session_id: UUID, passed: timedelta) -> None:
    """Make a session older: its ages are measured by the database's clock, which nobody can set."""
    row = await session_row(service, session_id)
    names = ("created_at", "last_used_at", "rotated_at", "idle_expires_at", "expires_at", "ended_at")
    moments = {name: getattr(row, name) for name in names}
    earlier = {name: moment - passed for name, moment in moments.items() if moment is not None}
    await change_session(service, session_id, **earlier)


async def store_client(service: Service) -> str:
    """Store a public client that may do what the first-party one may, and return its id."""
    now = datetime.now(UTC)
    client = Client(
        id=f"client_{uuid4().hex}",
        name="Another application",
        grants=["password", "refresh_token"],
        scopes=[scope.value for scope in Scope],
        created_at=now,
        updated_at=now,
    )
    client_id = client.id
    async with service.runtime.database.transaction(writing=True) as session:
        session.add(client)
    return client_id


async def change_session(service: Service, session_id: UUID, **values: object) -> None:
    async with service.runtime.database.transaction(writing=True) as session:
        await session.exec(update(SessionRecord).where(col(SessionRecord.id) == session_id).values(**values))


async def change_client(service: Service, client_id: str, **values: object) -> None:
    async with service.runtime.database.transaction(writing=True) as session:
        await session.exec(update(Client).where(col(Client.id) == client_id).values(**values))


async def revocations_after(service: Service, cursor: int) -> list[RevocationRecord]:
    """Return what is recorded beyond `cursor`, in order."""
    statement = select(RevocationRecord).where(col(RevocationRecord.seq) > cursor).order_by("seq")
    async with service.runtime.database.transaction(writing=False) as session:
        return list((await session.exec(statement)).all())


async def newest_number(service: Service) -> int:
    async with service.runtime.database.transaction(writing=False) as session:
        return (await session.exec(select(RevocationCounter.seq))).one()


def entries_of(*session_ids: UUID) -> set[tuple[str, str]]:
    """Return kind and digest of the entries that end these sessions elsewhere."""
    return {("sid", revocation_digest(RevocationKind.SESSION, str(session_id))) for session_id in session_ids}


def content_of(records: Sequence[RevocationRecord]) -> set[tuple[str, str]]:
    return {(record.kind, record.digest) for record in records}


async def refresh_events(service: Service) -> list[tuple[str, str, dict[str, object]]]:
    """Return event, outcome and detail of what the audit says of refreshes."""
    events = await service.audit_events()
    return [(one.event, one.outcome, one.detail) for one in events if one.event.startswith("refresh")]
