"""How many wrong secrets of a client one network may try, in the memory of this process."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from auth_service.authenticators.throttle_settings import ThrottleSettings
from auth_service.errors import TooManyAttemptsError

log = structlog.get_logger()

_MOST_PAIRS = 10_000


@dataclass(frozen=True, slots=True)
class Guess:
    """A secret that somebody offers as a client's."""

    client_id: str
    network: str | None
    digest: bytes = field(repr=False)


class ClientSecretThrottle:
    """Counts different wrong secrets, so that a deployment which still has last week's does not lock out the others.

    A secret has 256 random bits: nobody guesses one at any rate, so each process counts by itself, which costs a client
    that calls a thousand times a second next to nothing.
    """

    def __init__(self, settings: ThrottleSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing."""
        self._limit = settings.client_secrets_per_pair
        self._window = settings.short_window.total_seconds()
        self._clock = clock
        self.refused = 0
        self._tried: OrderedDict[tuple[str, str | None], tuple[float, set[bytes]]] = OrderedDict()

    def admit(self, guess: Guess) -> bool:
        """Count a guess before it is checked; say whether it is a new one. Raises TooManyAttemptsError."""
        pair, now = (guess.client_id, guess.network), self._clock()
        ends_at, digests = self._tried.get(pair, (0.0, set()))
        if ends_at <= now:
            ends_at, digests = now + self._window, set()
        if guess.digest in digests:
            return False
        if len(digests) >= self._limit:
            self.refused += 1
            retry_after = max(1, math.ceil(ends_at - now))
            log.info("client.throttled", client_id=guess.client_id, network=guess.network, retry_after=retry_after)
            raise TooManyAttemptsError(retry_after)
        digests.add(guess.digest)
        self._tried[pair] = (ends_at, digests)
        if len(self._tried) > _MOST_PAIRS:
            self._tried.popitem(last=False)
        return True

    def succeeded(self, guess: Guess) -> None:
        """Take it back: it was right. Others that were wrong go on counting."""
        pair = (guess.client_id, guess.network)
        _, digests = self._tried[pair]
        digests.discard(guess.digest)
        if not digests:
            del self._tried[pair]

    def forget_all(self) -> None:
        """Begin anew."""
        self._tried.clear()
