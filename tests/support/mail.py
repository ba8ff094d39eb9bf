"""Mail of a kind of the tests' own, and the worker that sends it."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import col, select

from auth_service.cli.main import app
from auth_service.db.session import Session
from auth_service.mail.dispatcher import Dispatcher
from auth_service.mail.messages import Composer, Mail
from auth_service.mail.models import OutboxMessage
from auth_service.mail.outbox import MailContent
from auth_service.mail.senders import make_sender
from auth_service.wiring.mail import load_templates
from auth_service.wiring.runtime import Runtime
from auth_service.wiring.unit_of_work import UnitOfWork

RECOVERY = "test.recovery"


async def compose_recovery(content: MailContent) -> Mail:
    token = content.get("token", "recover_secret")
    return Mail(
        content["to"], "recover-password", content.get("languages"), "reset-password", token, timedelta(hours=1)
    )


COMPOSERS: Mapping[str, Composer] = {RECOVERY: compose_recovery}


@dataclass(frozen=True, slots=True)
class _Work:
    session: Session
    composers: Mapping[str, Composer]


async def queue(runtime: Runtime, *recipients: str, kind: str = RECOVERY, **content: str) -> None:
    async with runtime.unit_of_work(writing=True) as work:
        for recipient in recipients:
            work.outbox.queue(kind, {"to": recipient, **content})


async def outbox_rows(runtime: Runtime) -> list[OutboxMessage]:
    async with runtime.database.transaction(writing=False) as session:
        return list((await session.exec(select(OutboxMessage).order_by(col(OutboxMessage.id)))).all())


def make_dispatcher(runtime: Runtime, composers: Mapping[str, Composer] = COMPOSERS) -> Dispatcher:
    @asynccontextmanager
    async def open_work() -> AsyncIterator[_Work]:
        async with runtime.unit_of_work(writing=True) as work:
            yield _Work(work.session, composers)

    settings = runtime.settings.mail
    return Dispatcher(
        open_work,
        queued=asyncio.Event(),
        box=runtime.outbox_box,
        templates=load_templates(runtime.settings),
        sender=make_sender(settings),
        settings=settings,
    )


@asynccontextmanager
async def dispatching(runtime: Runtime, composers: Mapping[str, Composer] = COMPOSERS) -> AsyncIterator[Dispatcher]:
    """Run the worker until the end of the block."""
    dispatcher = make_dispatcher(runtime, composers)
    task = asyncio.create_task(dispatcher.run())
    try:
        yield dispatcher
    finally:
        dispatcher.stop()
        await task


def serve_with_test_mail(environment: Mapping[str, str], port: int) -> None:
    """Serve, as an operator does, and know the tests' kind of mail as well."""
    os.environ.update(environment)
    UnitOfWork.composers = property(lambda _work: COMPOSERS)  # type: ignore[assignment,method-assign]
    app(["serve", "--port", str(port)])
