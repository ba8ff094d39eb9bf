"""What a composer makes of a queued message: whom it goes to, and what the template needs to know."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from auth_service.mail.outbox import MailContent


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one address.

    `template` is the name of a folder's file, such as `verify-email`. `languages` is an Accept-Language header: the
    first of them that there is a template in is written, else the configured one. With a `page` and a `token` the
    template has `link` (the configured base, the page, the token as its fragment) and `token`; with `expires_in` it
    has `expires`, such as "2 hours". It always has `service` and `home`, the base of the links. `variables` come on
    top; none of the templates that are shipped needs one. No text of a stranger belongs there.
    """

    recipient: str = field(repr=False)
    template: str
    languages: str | None = None
    page: str | None = None
    token: str | None = field(default=None, repr=False)
    expires_in: timedelta | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


Composer = Callable[[MailContent], Awaitable[Mail | None]]
"""Makes the mail of one kind, or nothing when there is nothing to send any more; `UnitOfWork.composers` has them all.

It is called after the commit that queued the message, within a writing unit of work of its own, in which it may look
accounts up and issue one-time tokens. It may be called again for the same message, because sending failed or the
process was killed; what it changed is committed before the mail is sent. One that raises is tried again later.
"""
