"""What has ended, as far as the feed has said, and whether that is recent enough to go by."""

from auth_service_client.clock import Deadline, Moment, deadline_in
from auth_service_client.errors import InvalidTokenError, ServiceUnavailableError
from auth_service_client.feed_document import Entry, FeedDocument
from auth_service_client.settings import VerifierSettings

_MAX_ENTRIES = 100_000
WAIT_SECONDS = 10
_OLDER_STATE = (
    "an older state of the same feed: was the service's database restored? Its operator has to give the feed a new"
    " epoch, see 'After a restore' in docs/revocation-feed.md of auth-service"
)


class NotReadyError(Exception):
    """The first full list may still come within `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class RevocationList:
    """Follows the feed, one document after the other. Only one thread may change it; any may read it."""

    def __init__(self, settings: VerifierSettings, now: Moment) -> None:
        self.full = False
        self._leeway = settings.leeway.total_seconds()
        self._fail_open_for = settings.fail_open_for.total_seconds()
        # Until there is a list, silence is counted from the end of the time that the first one may take.
        self._good_until = self._start_up_ends = deadline_in(now, settings.start_up_wait.total_seconds())
        self._epoch: str | None = None
        self._cursor: int | None = None
        self.seq = 0
        self._before: dict[str, int] = {}
        self._forget_at: dict[str, Deadline] = {}
        self._ended_keys: set[str] = set()

    def ends_key(self, mark: str) -> bool:
        """Say whether a key has ended, for tokens of any age: whoever stole it writes into `iat` what they like."""
        return mark in self._ended_keys

    def ends_tokens(self, mark: str, issued_at: int) -> bool:
        """Say whether what a session or a client was given at `issued_at` has ended."""
        return issued_at <= self._before.get(mark, -1)

    def assert_recent(self, now: Moment) -> None:
        """Raise NotReadyError or ServiceUnavailableError when this list is not one to accept tokens by."""
        if self.full:
            if not self._good_until.passed(now, extra=self._fail_open_for):
                return
        elif not self._start_up_ends.passed(now):
            raise NotReadyError(self._start_up_ends.mono - now.mono)
        elif not self._start_up_ends.passed(now, extra=self._fail_open_for):
            return
        raise ServiceUnavailableError("the list of revocations is too old")

    @property
    def caught_up(self) -> bool:
        """Whether the last document left nothing to fetch at once."""
        return self._cursor is not None and self._cursor >= self.seq

    def query(self, *, patient: bool) -> dict[str, str]:
        """Return the parameters of the next request; a patient one is answered when there is something new."""
        if self._epoch is None or self._cursor is None:
            return {}
        query = {"after": str(self._cursor), "epoch": self._epoch}
        return {**query, "wait": str(WAIT_SECONDS)} if patient and self.caught_up else query

    def start_over(self) -> None:
        """Ask for the full list next; what is known stays known."""
        self._cursor = None

    def take(self, document: FeedDocument, now: Moment) -> None:
        """Learn from a document; raises InvalidTokenError, and learns nothing, for one that is out of line."""
        if document.epoch == self._epoch:
            if document.seq < self.seq:
                raise InvalidTokenError(_OLDER_STATE)
            if document.start not in {0, self._cursor}:
                raise InvalidTokenError("not the page that was asked for")
        elif document.start != 0:
            raise InvalidTokenError("another epoch, and not its full list")
        self._forget(now)  # first: what is over, known or listed, takes no room
        matter_until = now.wall - document.keep - self._leeway
        new = {entry.mark for entry in document.entries if entry.before > matter_until} - self._before.keys()
        if len(self._before) + len(self._ended_keys) + len(new) > _MAX_ENTRIES:
            raise InvalidTokenError(f"more entries than there is room for: {_MAX_ENTRIES} are known and not over yet")
        for entry in document.entries:
            self._add(entry, document.keep, now)
        self._epoch, self._cursor, self.seq = document.epoch, document.next, document.seq
        if self.caught_up:
            self._good_until = self._end_of(document, now)
            self.full = True

    def _end_of(self, document: FeedDocument, now: Moment) -> Deadline:
        """Return its life counted from now; a document that was held back on the way ends by its `exp`."""
        latest = document.expires_at + self._leeway
        life = document.expires_at - document.issued_at
        return Deadline(latest, now.mono + min(life, latest - now.wall))

    def _add(self, entry: Entry, keep: int, now: Moment) -> None:
        if entry.kind == "kid":
            self._ended_keys.add(entry.mark)
        self._before[entry.mark] = max(entry.before, self._before.get(entry.mark, 0))
        end = deadline_in(now, entry.before + keep + self._leeway - now.wall)
        known = self._forget_at.get(entry.mark, end)
        self._forget_at[entry.mark] = Deadline(max(end.wall, known.wall), max(end.mono, known.mono))

    def _forget(self, now: Moment) -> None:
        """Drop what is over by both clocks: what is dropped by mistake would be accepted again."""
        over = [mark for mark, end in self._forget_at.items() if now.wall >= end.wall and now.mono >= end.mono]
        for mark in over:
            del self._before[mark], self._forget_at[mark]
