"""Who may be connected: so many, of whom those who wait for their clients make room, and a few more for probes."""

from collections.abc import Iterator
from typing import Protocol

from auth_service.serving.connection_limits import SPARE
from auth_service.telemetry.connection_tally import ConnectionTally


class Guest(Protocol):
    """A connection, as far as it matters here."""

    def destroy(self) -> None:
        """End it at once."""

    def cut_off(self) -> None:
        """End it because its client took too long."""


class Places:
    """The connections of a process that have a place, and until when each may wait for its client.

    When all places are taken by connections whose requests are in work, a newcomer gets a spare one, on which probes
    are answered and nothing else: a process that has much to do must not be taken for one that is dead. A spare place
    is always to be had, because whoever has had one for longest gives it up.
    """

    def __init__(self, limit: int, tally: ConnectionTally) -> None:
        """Prepare `limit` places; nobody has one yet."""
        self._limit = limit
        self._tally = tally
        self._regular: set[Guest] = set()
        self._spare: dict[Guest, None] = {}  # who has had one for longest stands first
        self._deadlines: dict[Guest, float] = {}  # of the regular ones; who has waited longest stands first
        self._spare_deadlines: dict[Guest, float] = {}
        tally.limit = limit

    def take(self, guest: Guest) -> None:
        """Give a newcomer a place."""
        if not self.take_regular(guest):
            if len(self._spare) >= SPARE:
                self._evict(next(iter(self._spare)))
            self._spare[guest] = None

    def take_regular(self, guest: Guest) -> bool:
        """Give `guest` a regular place if there is one, or if somebody waits who can be ended; say whether it has."""
        if guest in self._regular:
            return True
        if len(self._regular) >= self._limit:
            longest = next(iter(self._deadlines), None)
            if longest is None:
                return False
            self._evict(longest)
        deadline = self._spare_deadlines.get(guest)
        self.leave(guest)
        self._regular.add(guest)
        if deadline is not None:
            self._deadlines[guest] = deadline
        return True

    def leave(self, guest: Guest) -> None:
        """Have its place back, if it has one."""
        self.stop_waiting(guest)
        self._regular.discard(guest)
        self._spare.pop(guest, None)

    def wait(self, guest: Guest, *, until: float) -> None:
        """Let its client have so long."""
        self.stop_waiting(guest)
        (self._deadlines if guest in self._regular else self._spare_deadlines)[guest] = until

    def stop_waiting(self, guest: Guest) -> None:
        """Take it that it is our turn."""
        self._deadlines.pop(guest, None)
        self._spare_deadlines.pop(guest, None)

    def overdue(self, now: float) -> Iterator[Guest]:
        """Yield those whose clients took too long, and wait for them no more."""
        for deadlines in (self._deadlines, self._spare_deadlines):
            for guest in [guest for guest, deadline in deadlines.items() if deadline <= now]:
                del deadlines[guest]
                yield guest

    def _evict(self, guest: Guest) -> None:
        self.leave(guest)
        self._tally.refused["evicted"] += 1
        guest.destroy()
