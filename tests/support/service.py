"""The service under test: the real application over a real database, reached through its public door."""

import base64
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy import delete
from sqlmodel import SQLModel, col, select

from auth_service.accounts.models import PendingRegistration
from auth_service.app import create_app
from auth_service.audit.models import AuditRecord
from auth_service.authenticators.models import ThrottleCounter
from auth_service.authenticators.throttle_stores import MemoryStore
from auth_service.authz.principal import OPERATOR
from auth_service.authz.scopes import Scope
from auth_service.clients.models import FIRST_PARTY_CLIENT_ID, Client
from auth_service.clients.schemas import ClientCreate, ClientWithSecret
from auth_service.items.models import Item
from auth_service.mail.models import OutboxMessage
from auth_service.settings import Settings
from auth_service.tokens.models import RevocationRecord, SessionRecord
from auth_service.tokens.session_repository import SessionRepository
from auth_service.users.models import User, UserSearchTerm
from auth_service.users.schemas import UserCreate
from auth_service.wiring.parts import Clock, utc_now
from auth_service.wiring.runtime import Runtime

PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)
_EMPTIED_AFTER_EACH_TEST: tuple[type[SQLModel], ...] = (
    OutboxMessage,  # first: the worker locks a message before the account that it is for
    UserSearchTerm,
    Item,
    User,
    AuditRecord,
    RevocationRecord,
    PendingRegistration,
    ThrottleCounter,
)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in, and is signed in."""

    id: UUID
    email: str
    password: str = field(default=PASSWORD, repr=False)
    token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)

    @property
    def session_id(self) -> UUID:
        """The session that the token belongs to."""
        claims = self.token.split(".")[1]
        return UUID(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sid"])


def bearer(account: Account) -> dict[str, str]:
    """Return the header that `account`'s requests carry."""
    return {"Authorization": f"Bearer {account.token}"}


def assert_problem(response: Response, status: int, *, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code
    assert response.json()["status"] == status


@dataclass(frozen=True, slots=True)
class Service:
    """The application, started, and a client that talks to it."""

    app: FastAPI
    client: AsyncClient

    @property
    def runtime(self) -> Runtime:
        runtime: Runtime = self.app.state.runtime
        return runtime

    async def sign_in(self, identifier: str, password: str = PASSWORD, **parameters: str) -> Response:
        form = {"grant_type": "password", "username": identifier, "password": password, **parameters}
        return await self.client.post("/oauth/token", data=form)

    async def make_user(self, **fields: Any) -> Account:
        """Create an account the way an operator does, and sign it in unless it may not."""
        sent = {"email": f"user{next(_numbers)}@example.com", "password": PASSWORD, **fields}
        async with self.runtime.unit_of_work(writing=True) as work:
            user = await work.registration.create(OPERATOR, UserCreate.model_validate(sent))
        account = Account(user.id, user.email, sent["password"] or "")
        answer = (await self.sign_in(user.email, account.password)).json()
        return replace(account, token=answer.get("access_token", ""), refresh_token=answer.get("refresh_token", ""))

    async def make_admin(self, **fields: Any) -> Account:
        return await self.make_user(is_superuser=True, **fields)

    async def sign_in_again(self, account: Account, **parameters: str) -> Account:
        """Return the account with a new token, narrowed if `scope` is given."""
        answer = await self.sign_in(account.email, account.password, **parameters)
        return replace(account, token=answer.json()["access_token"], refresh_token=answer.json()["refresh_token"])

    async def make_item(self, owner: Account, **fields: Any) -> dict[str, Any]:
        answer = await self.client.post("/items", headers=bearer(owner), json={"title": "A blue bicycle", **fields})
        assert answer.status_code == 201, answer.text
        item: dict[str, Any] = answer.json()
        return item

    async def make_client(self, **fields: Any) -> ClientWithSecret:
        """Create a confidential client the way an operator does, unless `fields` say public."""
        sent = {"name": "Orders", "kind": "confidential", "grants": ["password"], "scopes": list(Scope), **fields}
        async with self.runtime.unit_of_work(writing=True) as work:
            return await work.clients.create(OPERATOR, ClientCreate.model_validate(sent))

    async def audit_events(self) -> list[AuditRecord]:
        """Return every audit event, the oldest first."""
        async with self.runtime.database.transaction(writing=False) as session:
            return list((await session.exec(select(AuditRecord).order_by("occurred_at", "id"))).all())

    async def live_sessions(self, account: Account) -> list[SessionRecord]:
        """Return the sessions of an account that have not ended, the one used last first."""
        async with self.runtime.database.transaction(writing=False) as session:
            return list(await SessionRepository(session).live_of(account.id))

    async def stored_user(self, user_id: UUID) -> User | None:
        async with self.runtime.database.transaction(writing=False) as session:
            return await session.get(User, user_id)

    async def empty(self) -> None:
        """Forget everything but the signing keys and the built-in client."""
        async with self.runtime.database.transaction(writing=True) as session:
            for table in _EMPTIED_AFTER_EACH_TEST:
                await session.exec(delete(table))
            await session.exec(delete(Client).where(col(Client.id) != FIRST_PARTY_CLIENT_ID))
        self.runtime.revocation_feed._list = None
        if isinstance(store := self.runtime.throttle_counters.store, MemoryStore):
            store.forget_all()
        self.runtime.client_secret_throttle.forget_all()


@asynccontextmanager
async def running_service(settings: Settings, *, clock: Clock = utc_now) -> AsyncIterator[Service]:
    """Start the application over a database that is migrated already.

    What is over it removes when it starts, and then when a test says so: tests store rows that expired long ago.
    """
    app = create_app(settings, clock=clock)
    transport = ASGITransport(app, client=("192.0.2.1", 50_000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auth_service.app._FORGETTING_EVERY", timedelta(days=1))
        async with (
            app.router.lifespan_context(app),
            AsyncClient(transport=transport, base_url="http://auth.test") as client,
        ):
            yield Service(app, client)
