"""Which keys there are, and when to ask for them again; asking itself is somebody else's work."""

import re
from collections.abc import Mapping

from auth_service_client.clock import Deadline, Moment, deadline_in
from auth_service_client.errors import InvalidTokenError, ServiceUnavailableError
from auth_service_client.jws import Header, Key, parse_key, read_object

_MAX_KEYS = 100
_DEFAULT_AGE_SECONDS = 300
_MIN_AGE_SECONDS = 30
_MAX_AGE_SECONDS = 3600
_FORCED_INTERVAL_SECONDS = 5
"""A flood of unknown kids makes the service answer no more often than this."""
_ABSENT_SECONDS = 30
"""An unknown kid is asked for no more often than this; that another one is asked for may find it earlier."""
_MAX_ABSENT = 1024
_FIRST_RETRY_SECONDS = 1
_MAX_RETRY_SECONDS = 60


class KeysWantedError(Exception):
    """The keys have to be fetched before anything can be said about the key that is named `kid`."""

    def __init__(self, kid: str) -> None:
        super().__init__(kid)
        self.kid = kid


class KeyCache:
    """The published keys by their kid. Only one thread may change it; any may read it."""

    def __init__(self, now: Moment, *, usable_for: float) -> None:
        self.due_at = now.mono
        self.etag: str | None = None
        self._usable_for = usable_for
        self._usable_until = Deadline(now.wall, now.mono)
        self._keys: Mapping[str, Key] = {}
        self._headers: dict[bytes, Key] = {}
        self._absent: dict[str, float] = {}
        self._forced_at = float("-inf")
        self._failures = 0

    @property
    def fetched(self) -> bool:
        """Whether there were ever any."""
        return bool(self._keys)

    def holds(self, key: Key, now: Moment) -> bool:
        """Say whether `key` is still published, as far as anybody knows."""
        return self._keys.get(key.kid) is key and not self._usable_until.passed(now)

    def known_header(self, segment: bytes, now: Moment) -> Key | None:
        """Return the key of a header that has been seen before, letter by letter, above a good signature."""
        key = self._headers.get(segment)
        return key if key is not None and self.holds(key, now) else None

    def remember_header(self, segment: bytes, key: Key) -> None:
        """Note the header of a token whose signature is good: the service writes one per key, strangers none."""
        headers = self._headers
        if len(headers) < _MAX_KEYS and self._keys.get(key.kid) is key:
            headers[segment] = key

    def look_up(self, header: Header, now: Moment) -> Key:
        """Return the key that a header names.

        Raises InvalidTokenError, ServiceUnavailableError, or KeysWantedError when to fetch the keys may help.
        """
        retry = self._failures == 0 or now.mono >= self.due_at
        if self._usable_until.passed(now):
            if retry:
                raise KeysWantedError(header.kid)
            raise ServiceUnavailableError("there are no keys that are recent enough")
        key = self._keys.get(header.kid)
        if key is None:
            why = self._why_absent(header.kid, now, retry=retry)
            # Another thread may have brought the key since the first look, and what was just read is newer than that.
            key = self._keys.get(header.kid)
            if key is None:
                raise why
        if key.alg != header.alg:
            raise InvalidTokenError("not the algorithm of this key")
        return key

    def take(self, body: bytes, *, etag: str | None, max_age: float | None, now: Moment) -> None:
        """Use the keys of a JWKS; raises InvalidTokenError, and changes nothing, when it is not one.

        A key that has not changed stays the same object, so that what it signed stays known.
        """
        found = read_object(body).get("keys")
        if type(found) is not list or len(found) > _MAX_KEYS:
            raise InvalidTokenError("not a JWKS, or one that is too large")
        keys = [key for key in map(parse_key, found) if key is not None]
        if not keys or len({key.kid for key in keys}) < len(keys):
            raise InvalidTokenError("a JWKS without keys that can be used, or with one kid twice")
        old = self._keys
        self._keys = {key.kid: old[key.kid] if _same(key, old.get(key.kid)) else key for key in keys}
        self._headers = {}
        self.etag = etag
        self.extend(max_age=max_age, now=now)

    def extend(self, *, max_age: float | None, now: Moment) -> None:
        """Note that the keys are as they were just now."""
        age = _DEFAULT_AGE_SECONDS if max_age is None else max_age
        self.due_at = now.mono + min(max(age, _MIN_AGE_SECONDS), _MAX_AGE_SECONDS)
        self._usable_until = deadline_in(now, self._usable_for)
        self._failures = 0

    def note_failure(self, now: Moment) -> None:
        """Note that the keys could not be fetched: those that there are go on serving, and the next attempt waits."""
        self.due_at = now.mono + min(_FIRST_RETRY_SECONDS * 2.0 ** min(self._failures, 10), _MAX_RETRY_SECONDS)
        self._failures += 1

    def note_forced(self, now: Moment) -> None:
        """Note that the keys have just been asked for out of turn."""
        self._forced_at = now.mono

    def note_absent(self, kid: str, now: Moment) -> None:
        """Note that there was no such key, unless the question went unanswered."""
        if kid in self._keys or self._failures:
            return
        self._absent.pop(kid, None)
        while len(self._absent) >= _MAX_ABSENT:
            del self._absent[next(iter(self._absent))]
        self._absent[kid] = now.mono + _ABSENT_SECONDS

    def _why_absent(self, kid: str, now: Moment, *, retry: bool) -> Exception:
        if now.mono < self._absent.get(kid, 0.0):
            return InvalidTokenError("no such key")
        if not retry:
            return ServiceUnavailableError("a key that is not known, and the service cannot be asked")
        if now.mono < self._forced_at + _FORCED_INTERVAL_SECONDS:
            return InvalidTokenError("no such key, and the service was asked a moment ago")
        return KeysWantedError(kid)


def read_max_age(cache_control: str, age: str) -> float | None:
    """Return for how many seconds an answer is fresh (RFC 9111 section 4.2), or None when it does not say."""
    found = re.search(r"(?:^|[\s,])max-age=(\d{1,9})(?=$|[\s,])", cache_control, re.ASCII | re.IGNORECASE)
    if found is None:
        return None
    return float(found[1]) - (float(age) if re.fullmatch(r"\d{1,9}", age, re.ASCII) else 0.0)


def _same(key: Key, other: Key | None) -> bool:
    return other is not None and key.jwk == other.jwk
