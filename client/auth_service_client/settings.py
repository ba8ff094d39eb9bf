"""What a verifier is told: whose tokens, for whom, and what to do when the service is silent."""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

_NEVER_NEGATIVE = ("leeway", "fail_open_for", "start_up_wait")
_ALWAYS_POSITIVE = ("keys_usable_for", "request_timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierSettings:
    """Raises ValueError for what cannot be meant."""

    issuer: str
    """The URL of the service, exactly as it stands in `iss`."""
    audience: str
    """Whom tokens have to be made out to: the name of the service that verifies them."""
    leeway: timedelta = timedelta(seconds=30)
    """How far apart clocks may be."""
    follow_revocations: bool = True
    """False: an ended session is accepted until its token expires."""
    fail_open_for: timedelta = timedelta(0)
    """For how long tokens are accepted after the last good list of revocations expired; zero is fail closed."""
    start_up_wait: timedelta = timedelta(seconds=5)
    """For how long calls wait for the first keys and the first full list."""
    keys_usable_for: timedelta = timedelta(hours=1)
    """How long keys serve that could not be fetched again."""
    request_timeout: timedelta = timedelta(seconds=5)
    """How long a request to the service may take, from the first byte to the last; the wait of a long poll is added."""
    cached_tokens: int = 4096
    """How many verified tokens are remembered; zero: none."""
    allow_http: bool = False
    """True: speak plain HTTP with an issuer on another machine."""

    def __post_init__(self) -> None:
        url = urlsplit(self.issuer)
        if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment or url.username:
            raise ValueError("the issuer has to be a URL with a host and without user, query and fragment")
        if url.scheme == "http" and not self.allow_http and not _is_loopback(url.hostname):
            raise ValueError("the issuer has to have an https URL (or set allow_http)")
        if self.issuer.endswith("/"):
            raise ValueError("the issuer is the URL exactly as in `iss`, which has no slash at the end")
        if not self.audience:
            raise ValueError("the audience must not be empty")
        for name in (*_NEVER_NEGATIVE, *_ALWAYS_POSITIVE):
            if not isinstance(getattr(self, name), timedelta):
                message = f"{name} is a timedelta, for example timedelta(seconds=3)"
                raise ValueError(message)  # noqa: TRY004 - like all that is wrong here
        if any(getattr(self, name) < timedelta(0) for name in _NEVER_NEGATIVE) or self.cached_tokens < 0:
            raise ValueError("a duration or size is negative")
        if any(getattr(self, name) <= timedelta(0) for name in _ALWAYS_POSITIVE):
            raise ValueError("keys_usable_for and request_timeout have to be positive")

    @property
    def jwks_url(self) -> str:
        """Where the keys are."""
        return f"{self.issuer}/.well-known/jwks.json"

    @property
    def feed_url(self) -> str:
        """Where the revocations are."""
        return f"{self.issuer}/oauth/revocations"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
