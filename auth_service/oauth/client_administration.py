"""How clients are administered."""

from dataclasses import dataclass
from datetime import datetime

from auth_service.audit.events import AuditEvent
from auth_service.audit.trail import AuditTrail
from auth_service.authz.actions import Action
from auth_service.authz.policy import authorize
from auth_service.authz.principal import Principal
from auth_service.clients.credentials import digest_client_secret, new_client_id, new_client_secret
from auth_service.clients.errors import BuiltInClientError, ConfidentialClientsOnlyError, PublicClientError
from auth_service.clients.fields import ClientGrant, ClientKind
from auth_service.clients.models import FIRST_PARTY_CLIENT_ID, Client
from auth_service.clients.repository import ClientRepository
from auth_service.clients.schemas import ClientCreate, ClientUpdate, ClientWithSecret
from auth_service.db.keyset import PageRequest, Slice
from auth_service.tokens.revocations import RevocationKind, Revocations


@dataclass(frozen=True, slots=True)
class ClientAdministration:
    """One method per use case; all of them raise AccessDeniedError for anybody but administrators."""

    clients: ClientRepository
    audit: AuditTrail
    revocations: Revocations
    now: datetime

    async def create(self, principal: Principal, new_client: ClientCreate) -> ClientWithSecret:
        """Store a client under a new id; raises ConfidentialClientsOnlyError, OwnAudienceTakenError."""
        authorize(principal, Action.CLIENT_ADMINISTER)
        secret = new_client_secret() if new_client.kind is ClientKind.CONFIDENTIAL else None
        client = Client(
            id=new_client_id(),
            secret_digest=digest_client_secret(secret) if secret else None,
            created_at=self.now,
            updated_at=self.now,
            **new_client.model_dump(exclude={"kind"}),
        )
        _check_grants(client)
        await self.clients.add(client)
        self.audit.record(AuditEvent.CLIENT_CREATED, actor=principal, client=client.id, rights=_rights(client))
        return ClientWithSecret.of(client, secret)

    async def list(self, principal: Principal, page: PageRequest) -> Slice[Client]:
        """Return one page of the clients."""
        authorize(principal, Action.CLIENT_ADMINISTER)
        return await self.clients.list(page)

    async def get(self, principal: Principal, client_id: str) -> Client:
        """Return a client; raises ClientNotFoundError."""
        authorize(principal, Action.CLIENT_ADMINISTER)
        return await self.clients.get(client_id)

    async def update(self, principal: Principal, client_id: str, change: ClientUpdate) -> Client:
        """Change the fields that were sent; a client that is disabled loses its sessions for good.

        Raises ClientNotFoundError, BuiltInClientError, ConfidentialClientsOnlyError, OwnAudienceTakenError.
        """
        authorize(principal, Action.CLIENT_ADMINISTER)
        client = await self._changeable(client_id)
        was_active, sent = client.is_active, change.model_dump(exclude_unset=True)
        if all(getattr(client, name) == value for name, value in sent.items()):
            return client
        client.sqlmodel_update(sent)
        client.updated_at = self.now
        _check_grants(client)
        ends = was_active and not client.is_active
        if ends:
            await self.clients.end_sessions(client)
        await self.clients.save()
        self.audit.record(
            AuditEvent.CLIENT_UPDATED,
            actor=principal,
            client=client.id,
            fields=sorted(change.model_fields_set),
            rights=_rights(client),
        )
        if ends:
            await self.revocations.record(RevocationKind.CLIENT, [client.id])
        return client

    async def rotate_secret(self, principal: Principal, client_id: str) -> ClientWithSecret:
        """Replace the secret: the old one ends at once, the client's tokens do not.

        Raises ClientNotFoundError, BuiltInClientError, PublicClientError.
        """
        authorize(principal, Action.CLIENT_ADMINISTER)
        client = await self._changeable(client_id)
        if not client.is_confidential:
            raise PublicClientError
        secret = new_client_secret()
        client.secret_digest = digest_client_secret(secret)
        client.updated_at = self.now
        self.audit.record(AuditEvent.CLIENT_SECRET_ROTATED, actor=principal, client=client.id)
        return ClientWithSecret.of(client, secret)

    async def delete(self, principal: Principal, client_id: str) -> None:
        """Remove a client, its sessions with it; raises ClientNotFoundError, BuiltInClientError."""
        authorize(principal, Action.CLIENT_ADMINISTER)
        client = await self._changeable(client_id)
        await self.clients.delete(client)
        self.audit.record(AuditEvent.CLIENT_DELETED, actor=principal, client=client.id)
        await self.revocations.record(RevocationKind.CLIENT, [client.id])

    async def _changeable(self, client_id: str) -> Client:
        if client_id == FIRST_PARTY_CLIENT_ID:
            raise BuiltInClientError
        return await self.clients.get_for_update(client_id)


def _check_grants(client: Client) -> None:
    if ClientGrant.CLIENT_CREDENTIALS in client.grants and not client.is_confidential:
        raise ConfidentialClientsOnlyError


def _rights(client: Client) -> dict[str, object]:
    """Return what the record says a client may do from now on."""
    return client.model_dump(include={"grants", "scopes", "audiences", "own_audience", "is_active"})
