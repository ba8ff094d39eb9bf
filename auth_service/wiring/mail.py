"""The mail worker of a process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from auth_service.mail.dispatcher import Dispatcher
from auth_service.mail.senders import make_sender
from auth_service.mail.templates import Templates
from auth_service.settings import Settings
from auth_service.wiring.runtime import Runtime


@asynccontextmanager
async def sending_mail(runtime: Runtime) -> AsyncIterator[None]:
    """Send what is queued in the background; at the end of the block, finish the message in hand."""
    settings = runtime.settings.mail
    dispatcher = Dispatcher(
        lambda: runtime.unit_of_work(writing=True),
        queued=runtime.mail_queued,
        box=runtime.outbox_box,
        templates=load_templates(runtime.settings),
        sender=make_sender(settings),
        settings=settings,
    )
    task = asyncio.create_task(dispatcher.run())
    try:
        yield
    finally:
        dispatcher.stop()
        await task


def load_templates(settings: Settings) -> Templates:
    """Return the templates that mail is made of. Raises ValueError."""
    return Templates(settings.mail, issuer=settings.tokens.issuer)
