"""Decides about a token from what is known now, without any input or output."""

from auth_service_client import jws
from auth_service_client.access_token import AccessToken, read_access_token
from auth_service_client.clock import Clock, Moment
from auth_service_client.errors import InvalidTokenError, ServiceUnavailableError
from auth_service_client.feed_document import FEED_TYPE, read_feed_document
from auth_service_client.jws import Header, Key
from auth_service_client.key_cache import KeyCache, KeysWantedError
from auth_service_client.revocations import NotReadyError, RevocationList
from auth_service_client.settings import VerifierSettings
from auth_service_client.token_cache import TokenCache, Verified

_ACCESS_TOKEN_TYPE = "at+jwt"
_MAX_TOKEN_LENGTH = 8192


class VerifierCore:
    """One life of a verifier. `verify` may be called from any thread, `take_feed` and the key cache from one."""

    def __init__(self, settings: VerifierSettings, clock: Clock) -> None:
        now = clock()
        self.settings = settings
        self.clock = clock
        self.keys = KeyCache(now, usable_for=settings.keys_usable_for.total_seconds())
        self.revocations = RevocationList(settings, now) if settings.follow_revocations else None
        self._tokens = TokenCache(settings.cached_tokens)
        self._leeway = settings.leeway.total_seconds()
        self._start_up_ends = now.mono + settings.start_up_wait.total_seconds()

    @property
    def ready(self) -> bool:
        """Whether there is all that it takes to accept a token."""
        return self.keys.fetched and (self.revocations is None or self.revocations.full)

    def verify(self, token: str) -> AccessToken:
        """Return the facts in a token that is good now.

        Raises InvalidTokenError, ServiceUnavailableError; and NotReadyError or KeysWantedError when it is worth
        waiting or fetching the keys first.
        """
        if len(token) > _MAX_TOKEN_LENGTH or not token.isascii():
            raise InvalidTokenError("not a token")
        now = self.clock()
        encoded = token.encode("ascii")
        verified = self._tokens.find(encoded)
        if verified is None or not self.keys.holds(verified.key, now):
            verified = self._verify_unseen(encoded, now)
        self._assert_not_ended(verified, now, encoded)
        return verified.token

    def take_feed(self, body: bytes) -> None:
        """Learn from an answer of the feed; raises InvalidTokenError, ServiceUnavailableError or KeysWantedError."""
        revocations = self.revocations
        if revocations is None:
            return
        now = self.clock()
        signed, content, signature = jws.split(body)
        header = jws.read_header(signed.partition(b".")[0], typ=FEED_TYPE)
        key = self.keys.look_up(header, now)
        if revocations.ends_key(key.mark):
            raise InvalidTokenError("signed by a key that has ended")
        key.check(signed, signature)
        issuer, leeway = self.settings.issuer, self._leeway
        revocations.take(read_feed_document(content, issuer=issuer, leeway=leeway, wall=now.wall), now)

    def _verify_unseen(self, encoded: bytes, now: Moment) -> Verified:
        signed, content, signature = jws.split(encoded)
        head = signed.partition(b".")[0]
        key = self.keys.known_header(head, now)
        if key is None:
            key = self._look_up(jws.read_header(head, typ=_ACCESS_TOKEN_TYPE), now)
        key.check(signed, signature)
        token = read_access_token(content, self.settings, wall=now.wall)
        self.keys.remember_header(head, key)
        verified = Verified(
            token,
            key,
            int(token.issued_at.timestamp()),
            token.expires_at.timestamp() + self._leeway,
            jws.mark("sid", token.session_id),
            jws.mark("client", token.client_id),
        )
        self._tokens.add(encoded, verified)
        return verified

    def _look_up(self, header: Header, now: Moment) -> Key:
        """Return the key; while the first keys may still come, a call waits for them instead of failing."""
        try:
            return self.keys.look_up(header, now)
        except (KeysWantedError, ServiceUnavailableError):
            if not self.keys.fetched and now.mono < self._start_up_ends:
                raise NotReadyError(self._start_up_ends - now.mono) from None
            raise

    def _assert_not_ended(self, verified: Verified, now: Moment, encoded: bytes) -> None:
        """Ask what can end a token after its signature was found good."""
        revocations = self.revocations
        if verified.accepted_until <= now.wall:
            self._tokens.discard(encoded)
            raise InvalidTokenError("expired")
        if revocations is None:
            return
        if (
            revocations.ends_tokens(verified.session_mark, verified.issued_at)
            or revocations.ends_tokens(verified.client_mark, verified.issued_at)
            or revocations.ends_key(verified.key.mark)
        ):
            self._tokens.discard(encoded)
            raise InvalidTokenError("revoked")
        revocations.assert_recent(now)
