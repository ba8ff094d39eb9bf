"""Asking the database for the metrics: seldom, not for long, and an answer that does not come is said to be missing."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from auth_service.db.errors import DatabaseUnavailableError
from auth_service.mail.backlog import Backlog
from auth_service.monitoring import outbox_watch
from auth_service.monitoring.outbox_watch import ASKED_EVERY_SECONDS, OutboxWatch

BACKLOG = Backlog(waiting=3, given_up=1, overdue_seconds=7.5)


class Asked:
    """A database that counts how often it is asked."""

    def __init__(self, answer: Callable[[], Awaitable[Backlog]]) -> None:
        self.times = 0
        self._answer = answer

    async def __call__(self) -> Backlog:
        self.times += 1
        return await self._answer()


async def _at_once() -> Backlog:
    return BACKLOG


async def _never() -> Backlog:
    await asyncio.Event().wait()
    return BACKLOG


async def _away() -> Backlog:
    raise DatabaseUnavailableError


async def _broken() -> Backlog:
    raise ValueError("a defect")


async def test_however_often_it_is_scraped_the_database_is_asked_once_in_a_while() -> None:
    now = 100.0
    asked = Asked(_at_once)
    watch = OutboxWatch(asked, clock=lambda: now)

    answers = [await watch.answer() for _ in range(5)]
    now += ASKED_EVERY_SECONDS
    answers.append(await watch.answer())

    assert answers == [BACKLOG] * 6
    assert asked.times == 2


async def test_two_who_scrape_at_once_share_one_question() -> None:
    asked = Asked(_at_once)
    watch = OutboxWatch(asked)

    answers = list(await asyncio.gather(watch.answer(), watch.answer()))

    assert answers == [BACKLOG] * 2
    assert asked.times == 1


@pytest.mark.parametrize(("answer", "fault"), [(_never, "timeout"), (_away, "unavailable"), (_broken, "defect")])
async def test_without_an_answer_the_reason_is_told_and_kept_as_long_as_an_answer(
    answer: Callable[[], Awaitable[Backlog]], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_watch, "PATIENCE_SECONDS", 0.01)
    asked = Asked(answer)
    watch = OutboxWatch(asked)

    with capture_logs() as logged:
        answers = [await watch.answer() for _ in range(2)]

    assert answers == [None] * 2
    assert (asked.times, watch.faults) == (1, {fault: 1})
    assert [line["event"] for line in logged] == (["metrics.outbox_unread"] if fault == "defect" else [])


async def test_a_scrape_that_gives_up_leaves_the_answer_to_the_next_one() -> None:
    released = asyncio.Event()

    async def late() -> Backlog:
        await released.wait()
        return BACKLOG

    watch = OutboxWatch(late)
    impatient = asyncio.ensure_future(watch.answer())
    await asyncio.sleep(0)
    impatient.cancel()
    released.set()

    assert await watch.answer() == BACKLOG
