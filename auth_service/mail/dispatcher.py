"""The worker that composes and sends what is queued, one message after another."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

import structlog
from jinja2 import TemplateError

from auth_service.db.session import Session
from auth_service.errors import UnavailableError
from auth_service.mail.envelope import UnsendableAddressError, build_message
from auth_service.mail.messages import Composer, Mail
from auth_service.mail.outbox import open_message
from auth_service.mail.repository import ClaimedMessage, OutboxRepository
from auth_service.mail.senders import RecipientRefusedError, Sender, SendingFailedError, ServerAwayError
from auth_service.mail.settings import MailSettings
from auth_service.mail.templates import Templates
from auth_service.security.secrets import SecretBox

log = structlog.get_logger()

_LONGEST_DELAY = timedelta(hours=1)
_MOST_DOUBLINGS = 20
_SETTLING_PAUSE_SECONDS = 0.5
_FOR_NOBODY = Mail("nobody@example.com", "recover-password", None, "reset-password", "0" * 50, timedelta(hours=1))


class MailWork(Protocol):
    """What the worker needs of a unit of work."""

    @property
    def session(self) -> Session:
        """Its transaction."""

    @property
    def composers(self) -> Mapping[str, Composer]:
        """What makes mail of queued messages, by their kind."""


OpenWork = Callable[[], AbstractAsyncContextManager[MailWork]]


class Dispatcher:
    """Sends each message once, whatever else happens; twice at most if the process dies between sending and saying so.

    A message is claimed and composed in one transaction, sent outside of any, and removed in a second one. The claim is
    a lease that outlasts sending: when the process dies the message is due again after it. What fails is tried again
    later, and nothing that a message does to its composer, its template or the server keeps the worker from the next.

    A message that nobody gets, because nobody has the address, keeps the worker as busy as one that is sent: else the
    requests that this process answers meanwhile would take longer after a known address, and tell.
    """

    def __init__(  # noqa: PLR0913 - the parts of the worker, put together in one place
        self,
        open_work: OpenWork,
        *,
        queued: asyncio.Event,
        box: SecretBox,
        templates: Templates,
        sender: Sender,
        settings: MailSettings,
    ) -> None:
        """Work in what `open_work` opens; `queued` is set whenever something may be due."""
        self._open_work = open_work
        self._queued = queued
        self._box = box
        self._templates = templates
        self._sender = sender
        self._settings = settings
        self._is_stopping = False

    async def run(self) -> None:
        """Send what is due, until `stop` is called: then finish the message in hand."""
        while not self._is_stopping:
            self._queued.clear()
            if not await self._dispatch_safely() and not self._is_stopping:
                await self._sender.rest()
                await self._wait()
        await self._sender.rest()

    def stop(self) -> None:
        """Let `run` come to its end."""
        self._is_stopping = True
        self._queued.set()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._settings.poll_interval.total_seconds()):
                await self._queued.wait()
        except TimeoutError:
            return

    async def _dispatch_safely(self) -> bool:
        """Say whether to go on with the next message at once."""
        try:
            return await self._dispatch_next()
        except UnavailableError:
            log.info("mail.postponed", reason="the database is away")
        except Exception:
            log.exception("mail.failed")
        return False

    async def _dispatch_next(self) -> bool:
        claimed: ClaimedMessage | None = None
        is_committed = False
        try:
            async with asyncio.timeout(self._settings.send_timeout.total_seconds()):
                async with self._open_work() as work:
                    outbox = OutboxRepository(work.session)
                    claimed = await outbox.claim(lease=self._settings.lease)
                    if claimed is None:
                        return False
                    mail = await self._compose(claimed, work)
                is_committed = True
                is_server_there = await self._hand_over(claimed, mail)
        except Exception as error:
            if claimed is None:
                raise
            await self._handle_failure(claimed, error, held_as=claimed.attempts - (not is_committed))
            return not isinstance(error, (ServerAwayError, UnavailableError))
        await self._settle(lambda outbox: outbox.delete(claimed))
        if mail is not None:
            log.info("mail.sent", message=str(claimed.id), kind=claimed.kind, attempt=claimed.attempts)
        return is_server_there

    async def _compose(self, claimed: ClaimedMessage, work: MailWork) -> Mail | None:
        composer = work.composers.get(claimed.kind)
        if composer is None:  # queued by a newer release, perhaps: a replica of that one can
            raise UnknownKindError
        return await composer(open_message(claimed.id, claimed.sealed, self._box))

    async def _hand_over(self, claimed: ClaimedMessage, mail: Mail | None) -> bool:
        """Send the mail, or do as much for none; return False when that showed that the server is away."""
        if mail is not None:
            await self._sender.send(self._build(claimed, mail))
            return True
        self._build(claimed, _FOR_NOBODY)
        try:
            await self._sender.rehearse()
        except SendingFailedError as error:  # nothing is lost by it
            return not isinstance(error, ServerAwayError)
        return True

    def _build(self, claimed: ClaimedMessage, mail: Mail) -> EmailMessage:
        return build_message(
            self._templates.render(mail),
            recipient=mail.recipient,
            sender=self._settings.from_address,
            message_id=claimed.id,
            now=claimed.claimed_at,
        )

    async def _handle_failure(self, claimed: ClaimedMessage, error: Exception, *, held_as: int) -> None:
        """Postpone the message, or give it up: at once if it never can be sent, else when it is too old."""
        facts = {"message": str(claimed.id), "kind": claimed.kind, "attempt": claimed.attempts, **_describe(error)}
        is_too_old = claimed.claimed_at - claimed.created_at >= self._settings.give_up_after
        if is_too_old or isinstance(error, (RecipientRefusedError, UnsendableAddressError)):
            await self._settle(lambda outbox: outbox.give_up(claimed, held_as=held_as))
            log.error("mail.given_up", **facts)
            return
        delay = retry_delay(claimed.attempts, first=self._settings.retry_after, spread=secrets.randbelow(1001) / 1000)
        await self._settle(lambda outbox: outbox.postpone(claimed, held_as=held_as, delay=delay))
        log.warning("mail.postponed", **facts, seconds=round(delay.total_seconds(), 1))

    async def _settle(self, act: Callable[[OutboxRepository], Awaitable[None]]) -> None:
        """Write down what became of a message, for as long as the claim is good: else a sent one is sent again."""
        deadline = asyncio.get_running_loop().time() + self._settings.send_timeout.total_seconds()
        while True:
            try:
                async with self._open_work() as work:
                    await act(OutboxRepository(work.session))
            except UnavailableError:
                if self._is_stopping or asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(_SETTLING_PAUSE_SECONDS)
            else:
                return


class UnknownKindError(Exception):
    """There is no composer for this kind."""


def retry_delay(attempts: int, *, first: timedelta, spread: float) -> timedelta:
    """Return how long to wait after so many attempts: doubling, at most an hour, and up to a quarter longer.

    How much longer is for `spread` to say, which is random, from 0 to 1: what failed together is not tried together.
    """
    doubled: timedelta = first * 2 ** min(attempts - 1, _MOST_DOUBLINGS)
    return min(doubled, _LONGEST_DELAY) * (1 + 0.25 * spread)


def _describe(error: Exception) -> dict[str, str]:
    """Say what went wrong, and where; the words of an arbitrary error are left out: they may hold a token."""
    if isinstance(error, (RecipientRefusedError, SendingFailedError)):
        return {"reason": str(error)}
    if isinstance(error, TemplateError):
        return {"reason": f"{type(error).__name__}: {error.message}"}
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame is not None else ""
    return {"reason": type(error).__name__, "where": where}
