"""Mail that nobody gets keeps the worker as busy as any other: else what else it slows down would tell who exists."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from auth_service.mail.messages import Mail
from auth_service.mail.outbox import MailContent
from auth_service.wiring.runtime import Runtime
from tests.support.mail import dispatching, outbox_rows, queue
from tests.support.settings import make_settings
from tests.support.smtp import Mailbox

KIND = "test.asked"
QUICK = {"poll_interval": "PT0.02S", "send_timeout": "PT5S"}


@pytest.fixture
async def runtime(migrated_database: str, mailbox: Mailbox) -> AsyncIterator[Runtime]:
    async with Runtime(make_settings(migrated_database, mail={**mailbox.settings, **QUICK})) as runtime:
        yield runtime


async def _compose_for_ann_only(content: MailContent) -> Mail | None:
    return Mail(content["to"], "already-registered") if content["to"].startswith("ann@") else None


async def _dispatch(runtime: Runtime) -> None:
    async with dispatching(runtime, {KIND: _compose_for_ann_only}), asyncio.timeout(20):
        while await outbox_rows(runtime):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("recipient", ["ann@example.com", "nobody@example.com"])
async def test_the_worker_goes_to_the_mail_server_for_somebody_and_for_nobody(
    runtime: Runtime, mailbox: Mailbox, recipient: str
) -> None:
    connections, begun = mailbox.connections, mailbox.begun
    await queue(runtime, recipient, kind=KIND)

    await _dispatch(runtime)

    assert (mailbox.connections, mailbox.begun) == (connections + 1, begun + 1)
    assert [mail.recipient for mail in mailbox.received] == [recipient] * recipient.startswith("ann@")


async def test_nothing_is_kept_for_nobody_while_the_mail_server_is_away(
    migrated_database: str, mailbox: Mailbox
) -> None:
    away = {**mailbox.settings, **QUICK, "port": 1}

    async with Runtime(make_settings(migrated_database, mail=away)) as runtime:
        await queue(runtime, "nobody@example.com", kind=KIND)
        await _dispatch(runtime)

    assert mailbox.received == []
