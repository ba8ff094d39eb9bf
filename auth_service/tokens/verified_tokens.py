"""Remembers which access tokens were verified, because a client shows the same one again and again.

What is remembered follows from the token alone: its signature, its form and its claims are good. Whether it may be
used is asked of the database each time.
"""

import time
from hashlib import sha256

from auth_service.tokens.access_token import AccessToken, access_token_of, read_access_token
from auth_service.tokens.key_ring import KeyRing
from auth_service.tokens.settings import TokenSettings

_AT_MOST = 4096


class VerifiedTokens:
    """The last few thousand tokens of this process, by their digest, until they expire or the set of keys changes."""

    def __init__(self, settings: TokenSettings) -> None:
        """Verify by `settings`, which do not change."""
        self._settings = settings
        self._leeway_seconds = settings.leeway.total_seconds()
        self._kids: frozenset[str] = frozenset()
        self._verified: dict[bytes, tuple[AccessToken, float]] = {}

    def verify(self, encoded: str, keys: KeyRing) -> AccessToken:
        """Return the facts of a token that was issued by this service for this service. Raises InvalidTokenError."""
        if keys.published.keys() != self._kids:  # one was removed, perhaps because somebody else has it
            self._kids = frozenset(keys.published)
            self._verified.clear()
        digest = sha256(encoded.encode()).digest()
        token, good_until = self._verified.get(digest, (None, 0.0))
        if token is None or time.time() >= good_until:
            claims = read_access_token(encoded, keys, self._settings, audience=self._settings.audience)
            token = access_token_of(claims)
            self._remember(digest, token, good_until=claims["exp"] + self._leeway_seconds)
        return token

    def _remember(self, digest: bytes, token: AccessToken, *, good_until: float) -> None:
        if len(self._verified) >= _AT_MOST:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = token, good_until
