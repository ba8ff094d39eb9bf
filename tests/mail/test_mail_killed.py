"""The whole process is killed again and again while it sends: nothing is lost, and next to nothing is sent twice."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from auth_service.wiring.runtime import Runtime
from tests.support.commands import make_operator
from tests.support.mail import queue, serve_with_test_mail
from tests.support.ports import free_port
from tests.support.processes import running_at_once
from tests.support.settings import make_settings
from tests.support.smtp import Mailbox

REPLICAS = 2
SEND_TIMEOUT = "PT1.5S"  # what a killed process held is due again after twice this


def _environment(folder: Path, database: str, mailbox: Mailbox) -> dict[str, str]:
    mail = {**mailbox.settings, "send_timeout": SEND_TIMEOUT, "poll_interval": "PT0.2S"}
    return {
        **make_operator(folder, database).environment,
        **{f"AUTH_MAIL__{name.upper()}": str(value) for name, value in mail.items()},
    }


async def _queue(environment: dict[str, str], recipients: list[str]) -> None:
    security: dict[str, object] = {"master_keys": environment["AUTH_SECURITY__MASTER_KEYS"]}
    mail: dict[str, object] = {"transport": "console"}
    settings = make_settings(environment["AUTH_DATABASE__URL"], security=security, mail=mail)
    async with Runtime(settings) as runtime:
        await runtime.load_keys()
        await queue(runtime, *recipients)


@contextmanager
def _running_replicas(environment: dict[str, str]) -> Iterator[None]:
    with running_at_once(serve_with_test_mail, [(environment, free_port()) for _ in range(REPLICAS)]):
        yield


@pytest.mark.parametrize(
    ("database_kind", "mails", "rounds"),
    [
        pytest.param("postgresql", 1000, 10, id="postgresql"),
        pytest.param("sqlite", 120, 2, id="sqlite"),
    ],
    indirect=["database_kind"],
)
def test_every_mail_arrives_and_at_most_one_twice_for_each_time_a_process_is_killed(
    migrated_database: str, mailbox: Mailbox, tmp_path: Path, mails: int, rounds: int
) -> None:
    environment = _environment(tmp_path, migrated_database, mailbox)
    recipients = [f"user{number}@example.com" for number in range(mails)]
    asyncio.run(_queue(environment, recipients))

    for done in range(1, rounds + 1):
        with _running_replicas(environment):  # both are killed where the block ends
            mailbox.wait_until(lambda: len(mailbox.received) >= done * mails // (rounds + 1))  # noqa: B023
            mailbox.fail_next("RCPT" if done % 2 else "DATA", "hang")
            mailbox.wait_until(lambda: mailbox.faults_left == 0)  # one is in the middle of sending, the other anywhere
    with _running_replicas(environment):
        mailbox.wait_until(lambda: {mail.recipient for mail in mailbox.received} == set(recipients))

    times_sent = Counter(str(mail.message["Message-ID"]) for mail in mailbox.received)
    assert Counter(mail.recipient for mail in mailbox.received).keys() == set(recipients)
    assert len(times_sent) == mails
    assert times_sent.total() - mails <= REPLICAS * rounds
