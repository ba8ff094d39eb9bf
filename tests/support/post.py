"""The mail that the service would send: composed the way its worker does it, and handed to the test."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, delete, select

from auth_service.accounts.models import PendingRegistration
from auth_service.authenticators.models import SingleUseToken
from auth_service.authenticators.single_use import Purpose
from auth_service.mail.messages import Mail
from auth_service.mail.models import OutboxMessage
from auth_service.mail.outbox import open_message
from auth_service.users.models import User
from tests.support.service import Service


@asynccontextmanager
async def nobody_wakes_the_worker(service: Service) -> AsyncIterator[None]:
    """Leave what is queued to the test, once the worker rests; tests do not wait for the worker's own time."""
    woken = service.runtime.mail_queued
    while not woken._waiters:  # noqa: ASYNC110 - the worker says nothing when it rests
        await asyncio.sleep(0)
    service.runtime.mail_queued = asyncio.Event()
    try:
        yield
    finally:
        service.runtime.mail_queued = woken


async def queued(service: Service) -> list[tuple[str, Mapping[str, str]]]:
    """Return kind and content of everything that waits to be sent, the oldest first."""
    async with service.runtime.database.transaction(writing=False) as session:
        messages = (await session.exec(select(OutboxMessage).order_by("id"))).all()
    return [
        (message.kind, open_message(message.id, message.sealed, service.runtime.outbox_box)) for message in messages
    ]


async def deliver(service: Service) -> list[Mail]:
    """Compose everything that waits, each in a unit of work of its own, and return what would be sent."""
    waiting = await queued(service)
    async with service.runtime.database.transaction(writing=True) as session:
        await session.exec(delete(OutboxMessage))
    mails = []
    for kind, content in waiting:
        async with service.runtime.unit_of_work(writing=True) as work:
            mails.append(await work.composers[kind](content))
    return [mail for mail in mails if mail is not None]


async def token_of(service: Service, template: str) -> str:
    """Deliver, and return the token of the one mail of this template."""
    [mail] = [mail for mail in await deliver(service) if mail.template == template]
    assert mail.token is not None
    return mail.token


async def issue_token(service: Service, user_id: UUID, purpose: Purpose, *, email: str | None = None) -> str:
    """Return a token as it would be mailed; `email` if it is bound to another address than the account's."""
    async with service.runtime.unit_of_work(writing=True) as work:
        user = await work.session.get_one(User, user_id)
        lifetime = service.runtime.settings.accounts.password_recovery_lifetime
        return await work._single_use_tokens.issue(user, purpose, email=email or user.email, lifetime=lifetime)


async def let_proofs_expire(service: Service) -> None:
    """Make everything older than it is good for: ages are measured by the database's clock, which nobody can set."""
    async with service.runtime.database.transaction(writing=True) as session:
        for table in (SingleUseToken, PendingRegistration):
            moment = col(table.created_at)
            await session.exec(update(table).values(expires_at=moment))


async def count_rows(service: Service, table: type[SingleUseToken | PendingRegistration]) -> int:
    async with service.runtime.database.transaction(writing=False) as session:
        return len((await session.exec(select(table))).all())
