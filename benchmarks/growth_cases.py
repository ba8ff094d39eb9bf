"""What is asked of the service to see whether it slows down as it grows: every list, filter, sort and hot request."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

USER_SORTS = ("created_at", "-created_at", "email", "-email")
LISTS, SEARCHES, COUNTS, REQUESTS = "Lists", "Searches", "Counts", "Hot requests"


@dataclass(frozen=True, slots=True)
class Case:
    """A GET: `path` and `query` may name facts of a database in braces; `deep` asks for a page in the middle."""

    group: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    deep: bool = False

    @property
    def name(self) -> str:
        """What the table calls it."""
        query = urlencode(self.query, safe="{}:@-")
        return f"`{self.path}{'?' if query else ''}{query}`" + (", in the middle" if self.deep else "")


_USER_FILTERS = (
    ("is_active", "true"),
    ("is_active", "false"),
    ("is_superuser", "true"),
    ("is_superuser", "false"),
    ("email_verified", "true"),
    ("email_verified", "false"),
    ("created_from", "{last_tenth}"),
    ("created_from", "{last_hundredth}"),
    ("created_before", "{first_tenth}"),
)
_RARE_TOGETHER = (
    (("is_active", "false"), ("email_verified", "false")),
    (("is_active", "false"), ("created_from", "{last_tenth}")),
    (("is_superuser", "true"), ("email_verified", "false")),
)
# The generated names and domains: one in seven is called Maria, nearly half have their mail at mail.example.com.
_WORDS = {
    "a common word": "maria",
    "a common domain": "mail.example.com",
    "a prefix of many": "team1",
    "a domain of some": "team5.example.com",
    "one address": "person500@mail.example.com",
    "nobody": "zzzz",
    "two common words": "maria smith",
    "two common words of nobody": "mail.example.com post.example.org",
    "a common and a rare word": "mail.example.com person500",
}
_AUDIT_FILTERS: tuple[tuple[tuple[str, str], ...], ...] = (
    (),
    (("event", "sign_in"),),
    (("event", "user.deleted"),),
    (("outcome", "failure"),),
    (("event", "user.updated"), ("outcome", "failure")),
    (("actor_id", "{user}"),),
    (("subject_id", "{user}"),),
    (("network", "{network}"),),
    (("client_id", "client_first_party"),),
    (("client_id", "client_of_nobody"),),
    (("occurred_from", "{first_tenth}"), ("occurred_before", "{last_tenth}")),
)


def cases() -> Sequence[Case]:
    """Return everything that is asked by GET."""
    return [*_lists_of_users(), *_searches(), *_other_lists(), *_counts(), *_requests()]


def _lists_of_users() -> Iterator[Case]:
    for sort in USER_SORTS:
        yield Case(LISTS, "/users", (("sort", sort),))
        yield Case(LISTS, "/users", (("sort", sort),), deep=True)
    for one, sort in itertools.product(_USER_FILTERS, USER_SORTS):
        yield Case(LISTS, "/users", (one, ("sort", sort)))
    for two, sort in itertools.product(_RARE_TOGETHER, ("created_at", "email")):
        yield Case(LISTS, "/users", (*two, ("sort", sort)))


def _searches() -> Iterator[Case]:
    for words, sort in itertools.product(_WORDS.values(), ("created_at", "-email")):
        yield Case(SEARCHES, "/users", (("q", words), ("sort", sort)))
    yield Case(SEARCHES, "/users", (("q", "maria"), ("sort", "created_at")), deep=True)
    yield Case(SEARCHES, "/users", (("q", "maria"), ("is_active", "false")))
    yield Case(SEARCHES, "/users", (("q", "maria"), ("is_superuser", "true")))


def _other_lists() -> Iterator[Case]:
    for sort in ("created_at", "-created_at"):
        yield Case(LISTS, "/items", (("sort", sort),))
        yield Case(LISTS, "/items", (("sort", sort),), deep=True)
        yield Case(LISTS, "/items", (("owner_id", "{collector}"), ("sort", sort)))
    yield Case(LISTS, "/items", (("include", "owner"),))
    yield Case(LISTS, "/users/{user}/sessions")
    for filters in _AUDIT_FILTERS:
        yield Case(LISTS, "/audit-events", filters)
    yield Case(LISTS, "/users/me/audit-events")


def _counts() -> Iterator[Case]:
    for one in (None, *_USER_FILTERS, ("q", "maria"), ("q", "mail.example.com post.example.org")):
        yield Case(COUNTS, "/users", (*([one] if one else []), ("count", "true"), ("limit", "1")))
    yield Case(COUNTS, "/items", (("count", "true"), ("limit", "1")))
    yield Case(COUNTS, "/audit-events", (("count", "true"), ("limit", "1")))
    yield Case(COUNTS, "/audit-events", (("event", "sign_in"), ("count", "true"), ("limit", "1")))


def _requests() -> Iterator[Case]:
    for path in ("/users/me", "/users/{user}", "/items/{item}", "/oauth/revocations", "/livez"):
        yield Case(REQUESTS, path)
