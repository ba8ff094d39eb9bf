"""The SQL of clients."""

from datetime import datetime

from sqlalchemy import bindparam, delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from auth_service.clients.errors import ClientNotFoundError, OwnAudienceTakenError
from auth_service.clients.models import Client
from auth_service.db.clock import database_now
from auth_service.db.constraints import violated_constraint
from auth_service.db.hot_statement import HotStatement, columns_of, detached
from auth_service.db.keyset import PageRequest, Slice, SortKey, SortOrder, fetch_slice
from auth_service.db.session import Session


class ClientRepository:
    """Clients, within one unit of work."""

    def __init__(self, session: Session) -> None:
        """Read and write in `session`."""
        self._session = session

    async def find(self, client_id: str) -> Client | None:
        """Return the client for reading, or None."""
        row = await _BY_ID.find(self._session, client_id=client_id)
        return None if row is None else detached(Client, row)

    async def get(self, client_id: str) -> Client:
        """Return the client for reading; raises ClientNotFoundError."""
        client = await self.find(client_id)
        if client is None:
            raise ClientNotFoundError
        return client

    async def get_for_update(self, client_id: str) -> Client:
        """Return the client and lock its row until the transaction ends; raises ClientNotFoundError."""
        statement = select(Client).where(Client.id == client_id).with_for_update()
        client = (await self._session.exec(statement, execution_options={"populate_existing": True})).one_or_none()
        if client is None:
            raise ClientNotFoundError
        return client

    async def find_and_hold(self, client_id: str) -> Client | None:
        """Return the client for reading, as it is now, or None; it stays so until the transaction ends."""
        row = await _HELD.find_within(self._session, client_id=client_id)
        return None if row is None else detached(Client, row)

    async def end_sessions(self, client: Client) -> None:
        """Make every session of the client that was opened until now one that has ended."""
        with self._session.no_autoflush:  # what else was changed is for `save` to store, or to refuse
            client.sessions_ended_at = (await self._session.exec(select(database_now()))).one()

    async def list(self, page: PageRequest) -> Slice[Client]:
        """Return one page of the clients, the oldest first."""
        return await fetch_slice(self._session, select(Client), _CREATED, page)

    async def add(self, client: Client) -> None:
        """Store a new client; raises OwnAudienceTakenError."""
        self._session.add(client)
        await self.save()

    async def save(self) -> None:
        """Store what was changed; raises OwnAudienceTakenError."""
        try:
            await self._session.flush()
        except IntegrityError as error:
            if "own_audience" in violated_constraint(error):
                raise OwnAudienceTakenError from error
            raise

    async def delete(self, client: Client) -> None:
        """Remove a client; its sessions go along."""
        await self._session.exec(delete(Client).where(col(Client.id) == client.id))


_SELECTED = select(*columns_of(Client)).where(col(Client.id) == bindparam("client_id"))
_BY_ID, _HELD = HotStatement(_SELECTED), HotStatement(_SELECTED.with_for_update(read=True))
_CREATED = SortOrder(
    (SortKey("created_at", col(Client.created_at), datetime.fromisoformat), SortKey("id", col(Client.id), str))
)
