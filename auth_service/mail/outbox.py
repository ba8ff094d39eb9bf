"""The outbox: mail that is sent if, and only if, the transaction that asks for it commits."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from auth_service.db.clock import database_now
from auth_service.db.session import Session
from auth_service.db.uuid7 import uuid7
from auth_service.mail.errors import MailOffError
from auth_service.mail.models import OutboxMessage
from auth_service.security.secrets import SecretBox

MailContent = Mapping[str, str]


class Outbox:
    """Writes messages, within one unit of work; a worker composes and sends them after the commit."""

    def __init__(self, session: Session, box: SecretBox, now: datetime, *, is_on: bool) -> None:
        """Write into `session`; `box` is for what is in a message, one-time tokens too."""
        self._session = session
        self._box = box
        self._now = now
        self.is_on = is_on
        self.has_queued = False

    def require(self) -> None:
        """Raise MailOffError where this service sends no mail: for use cases that are nothing without it."""
        if not self.is_on:
            raise MailOffError

    def queue(self, kind: str, content: MailContent) -> None:
        """Queue a message of `kind`; what `content` has to have in it is for the composer of that kind to say.

        Where this service sends no mail nothing is queued: for notices, which are not what the use case is about.
        """
        if not self.is_on:
            return
        id_ = uuid7(self._now)
        sealed = self._box.seal(json.dumps(dict(content)).encode(), context=id_.bytes)
        now: Any = database_now()  # an expression, which the flush evaluates
        self._session.add(OutboxMessage(id=id_, kind=kind, sealed=sealed, created_at=now, due_at=now))
        self.has_queued = True


def open_message(id_: UUID, sealed: bytes, box: SecretBox) -> MailContent:
    """Return what is in a message; raises UndecryptableError."""
    content: MailContent = json.loads(box.open(sealed, context=id_.bytes))
    return content
