"""A small issuer for tests: it makes tokens, publishes keys and revocations, and can end, rotate and go away."""

import json
import secrets
import time
from contextlib import ExitStack
from hashlib import sha256
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import jwt

from auth_service_client.jws import mark
from auth_service_client.local_http import Answer, Door, InProcess, serving
from auth_service_client.local_keys import LocalKey
from auth_service_client.settings import VerifierSettings

_FEED_LIFE_SECONDS = 15
_KEEP_SECONDS = 630
_PAGE = 1000
_AHEAD_SECONDS = 30
_CLAIMS = frozenset(
    ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "sid", "auth_time", "acr", "amr", "roles"]
)
AUDIENCE = "https://api.example.com"


class LocalIssuer:
    """Speaks real HTTP on 127.0.0.1 while it is open as a context manager; `transport()` does without.

    `key` signs and `next_key` is published already, as in the service; `requests` counts what was asked for.
    """

    def __init__(self, *, algorithm: str = "ES256", audience: str = AUDIENCE) -> None:
        self.url = "http://localhost"
        self.audience = audience
        self.algorithm = algorithm
        self.door = Door(self._answer)
        self.epoch = secrets.token_urlsafe(8)
        self.key, self.next_key = LocalKey.new(algorithm), LocalKey.new(algorithm)
        self.published = [self.key, self.next_key]
        self._entries: list[dict[str, Any]] = []
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        self.url = self._exits.enter_context(serving(self.door))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    @property
    def requests(self) -> dict[str, int]:
        """How often each path was asked for."""
        return self.door.requests

    def transport(self) -> InProcess:
        """Return what a verifier takes as `transport` to reach this issuer without a socket."""
        return InProcess(self.door)

    def settings(self, **changes: Any) -> VerifierSettings:
        """Return the settings of a verifier of this issuer's tokens."""
        return VerifierSettings(**{"issuer": self.url, "audience": self.audience, **changes})

    def token(
        self,
        *,
        scopes: str = "",
        subject: str | None = None,
        expires_in: int = 600,
        **claims: Any,
    ) -> str:
        """Return a person's token; further claims of RFC 9068 replace or add, and None leaves one out."""
        _assert_known(claims)
        now = int(time.time())
        person = {"sub": subject or str(uuid4()), "auth_time": now, "amr": ["pwd"], "acr": "aal1"}
        return self.sign({**self._common(scopes, expires_in), **person, **claims})

    def client_token(self, client_id: str, *, scopes: str = "", expires_in: int = 600, **claims: Any) -> str:
        """Return the token of a service that signed in by itself."""
        _assert_known(claims)
        names = {"sub": client_id, "client_id": client_id}
        return self.sign({**self._common(scopes, expires_in), **names, **claims})

    def sign(self, claims: dict[str, Any], *, key: LocalKey | None = None, typ: str = "at+jwt") -> str:
        """Sign anything."""
        return (key or self.key).sign({name: value for name, value in claims.items() if value is not None}, typ=typ)

    def end_session(self, token: str) -> None:
        """End the session of a token."""
        self.revoke("sid", str(_claims_of(token)["sid"]))

    def end_client(self, client_id: str) -> None:
        """End all that a client was given."""
        self.revoke("client", client_id)

    def revoke(self, kind: str, value: str, *, before: int | None = None) -> None:
        """Add an entry to the feed, and wake everybody who waits for one."""
        before = int(time.time()) + _AHEAD_SECONDS if before is None else before
        with self.door.news:
            self._entries.append({"kind": kind, "digest": mark(kind, value), "before": before})
            self.door.news.notify_all()

    def rotate(self) -> None:
        """Sign with the next key from now on; the old one stays published."""
        self.key, self.next_key = self.next_key, LocalKey.new(self.algorithm)
        self.published = [*self.published, self.next_key]

    def remove_key(self) -> None:
        """Do away with the signing key, as after a theft: at once, and with an entry in the feed."""
        stolen = self.key
        self.rotate()
        self.published = [key for key in self.published if key is not stolen]
        self.revoke("kid", stolen.kid)

    def restore(self) -> None:
        """Come back from a backup: the numbers start anew, and what ended since is not listed."""
        with self.door.news:
            self.epoch, self._entries = secrets.token_urlsafe(8), []
            self.door.news.notify_all()

    def go_away(self) -> None:
        """Answer nobody until `come_back`."""
        with self.door.news:
            self.door.closed = True
            self.door.news.notify_all()

    def come_back(self) -> None:
        """Answer again."""
        self.door.closed = False

    def feed_claims(self, *, after: int = 0, epoch: str | None = None, page: int = _PAGE) -> dict[str, Any]:
        """Return what the feed says to one who knows it up to `after`."""
        entries, now = self._entries, int(time.time())
        start = after if epoch == self.epoch and after <= len(entries) else 0
        listed = entries[start : start + page]
        times = {"iss": self.url, "iat": now, "exp": now + _FEED_LIFE_SECONDS, "keep": _KEEP_SECONDS}
        numbers = {"epoch": self.epoch, "from": start, "next": start + len(listed), "seq": len(entries)}
        return {**times, **numbers, "entries": listed}

    def _common(self, scopes: str, expires_in: int) -> dict[str, Any]:
        now = int(time.time())
        whom = {"iss": self.url, "aud": [self.audience], "client_id": "client_first_party", "scope": scopes}
        return {**whom, "iat": now, "exp": now + expires_in, "jti": str(uuid4()), "sid": str(uuid4())}

    def _answer(self, path: str, query: dict[str, str], headers: dict[str, str]) -> Answer | None:
        """Return the answer, or None while there is nothing new for one who waits."""
        if path == "/.well-known/jwks.json":
            body = json.dumps({"keys": [dict(key.public_jwk) for key in self.published]}).encode()
            etag = f'"{sha256(body).hexdigest()[:32]}"'
            caching = {"Cache-Control": "public, max-age=300", "ETag": etag}
            known = headers.get("if-none-match") == etag
            return Answer(304, caching, b"") if known else Answer(200, caching, body)
        if path == "/oauth/revocations":
            after, epoch = int(query.get("after", "0")), query.get("epoch")
            if "wait" in query and epoch == self.epoch and after == len(self._entries):
                return None
            return self.feed_answer(after, epoch)
        return Answer(404, {}, b"")

    def feed_answer(self, after: int, epoch: str | None) -> Answer:
        """Return the feed as it is sent; a test may replace this."""
        document = self.sign(self.feed_claims(after=after, epoch=epoch), typ="revocations+jwt")
        return Answer(200, {"Content-Type": "application/jwt"}, document.encode())


def _assert_known(claims: dict[str, Any]) -> None:
    unknown = claims.keys() - _CLAIMS
    if unknown:
        message = f"{', '.join(sorted(unknown))}: no argument and no claim of a token; `sign` signs anything"
        raise TypeError(message)


def _claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims
