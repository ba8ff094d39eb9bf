"""Remembers which tokens were found good, so that their signatures are checked once."""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock

from auth_service_client.access_token import AccessToken
from auth_service_client.jws import Key


@dataclass(frozen=True, slots=True)
class Verified:
    """A token whose signature and claims are good, with all that can still end it."""

    token: AccessToken
    key: Key
    issued_at: int
    accepted_until: float
    session_mark: str
    client_mark: str


class TokenCache:
    """The tokens that were used last, by their digest: whoever reads the memory finds no token that works."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[bytes, Verified] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, token: bytes) -> Verified | None:
        """Return what is known about a token."""
        digest = sha256(token).digest()
        with self._lock:
            found = self._entries.get(digest)
            if found is not None:
                self._entries.move_to_end(digest)
        return found

    def add(self, token: bytes, verified: Verified) -> None:
        """Remember a token, and forget the one that was not used for longest."""
        with self._lock:
            self._entries[sha256(token).digest()] = verified
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def discard(self, token: bytes) -> None:
        """Forget a token."""
        with self._lock:
            self._entries.pop(sha256(token).digest(), None)
