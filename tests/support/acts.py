"""Things that people do to the service, under a known request id, for what the audit says of them afterwards."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from httpx import Response

from auth_service.audit.models import AuditRecord
from tests.support.service import Account, Service, bearer

NETWORK = "192.0.2.1"
REQUEST_ID = "request-1"
NEW_PASSWORD = "a much better passphrase"


@dataclass(frozen=True, slots=True)
class World:
    """A user with an item, and an administrator, who send requests under a known id."""

    service: Service
    user: Account
    administrator: Account
    item_id: UUID

    async def send(self, method: str, path: str, caller: Account | None, body: Mapping[str, Any] | None) -> Response:
        url = path.replace("{user}", str(self.user.id)).replace("{item}", str(self.item_id))
        headers = {"X-Request-ID": REQUEST_ID, **(bearer(caller) if caller else {})}
        return await self.service.client.request(method, url, headers=headers, json=body)

    async def sign_in(self, identifier: str, password: str, **parameters: str) -> Response:
        form = {"grant_type": "password", "username": identifier, "password": password, **parameters}
        return await self.service.client.post("/oauth/token", headers={"X-Request-ID": REQUEST_ID}, data=form)

    async def new_events(self) -> list[AuditRecord]:
        """Return the events of what was sent, but not of how this world was made."""
        return [event for event in await self.service.audit_events() if event.request_id == REQUEST_ID]


Act = Callable[[World], Awaitable[Response]]


def by_user(method: str, path: str, **body: Any) -> Act:
    return lambda world: world.send(method, path, world.user, body or None)


def by_administrator(method: str, path: str, **body: Any) -> Act:
    return lambda world: world.send(method, path, world.administrator, body or None)


def by_stranger(method: str, path: str, **body: Any) -> Act:
    return lambda world: world.send(method, path, None, body or None)


def facts(record: AuditRecord) -> dict[str, Any]:
    """Return everything but what differs from run to run."""
    return record.model_dump(exclude={"id", "occurred_at"})


def subject_of(world: World, subject: str, response: Response) -> UUID:
    """Return the id that `subject` stands for."""
    match subject:
        case "new":
            return UUID(response.json()["id"])
        case "item":
            return world.item_id
        case "administrator":
            return world.administrator.id
        case _:
            return world.user.id
