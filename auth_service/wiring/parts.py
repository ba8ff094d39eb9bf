"""The parts of a process that need no database: settings, clock, secrets, and the signing keys in memory."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from auth_service.authenticators.breached_passwords import BreachedPasswords
from auth_service.authenticators.password_policy import make_password_policy
from auth_service.authenticators.second_factors import SEED_PURPOSE
from auth_service.authenticators.stand_ins import StandIns
from auth_service.authenticators.throttle import ThrottleCounters
from auth_service.authenticators.throttle_stores import CounterStore
from auth_service.oauth.client_secret_throttle import ClientSecretThrottle
from auth_service.oauth.metadata import authorization_server_metadata
from auth_service.security.passwords import PasswordHasher
from auth_service.security.secrets import SecretBox, derive_key, master_keys_of
from auth_service.settings import Settings
from auth_service.tokens.key_ring import KeyRing
from auth_service.tokens.key_safe import KEY_PURPOSE, KeySafe
from auth_service.tokens.refresh_token import derivation_keys
from auth_service.tokens.verified_tokens import VerifiedTokens

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Read the one clock of the service."""
    return datetime.now(UTC)


class Parts:
    """What the services of every unit of work share."""

    def __init__(self, settings: Settings, clock: Clock, counter_store: CounterStore) -> None:
        """Prepare all of it but the signing keys, which are in the database."""
        master_keys = master_keys_of(settings.security)
        self.settings = settings
        self.clock = clock
        self.cursor_box = SecretBox(master_keys, purpose="page-cursors")
        self.outbox_box = SecretBox(master_keys, purpose="outbox")
        self.seed_box = SecretBox(master_keys, purpose=SEED_PURPOSE)
        self.key_box = SecretBox(master_keys, purpose=KEY_PURPOSE)
        self.key_safe = KeySafe(self.key_box)
        self.derivation_keys = derivation_keys(master_keys)
        self.stand_ins = StandIns(derive_key(master_keys[0], purpose="stand-ins"))
        throttle_key = derive_key(master_keys[0], purpose="throttle")
        self.throttle_counters = ThrottleCounters(throttle_key, settings.throttle, counter_store)
        self.client_secret_throttle = ClientSecretThrottle(settings.throttle)
        self.hasher = PasswordHasher(settings.hashing)
        host = urlsplit(settings.tokens.issuer).hostname or ""
        self.password_policy = make_password_policy(settings.password_policy, host=host)
        self.breached_passwords = BreachedPasswords(settings.password_policy.breach_range_url)
        self.metadata = authorization_server_metadata(settings.tokens.issuer, settings.oauth)
        self.verified_tokens = VerifiedTokens(settings.tokens)
        self.refused_tokens: Counter[str] = Counter()
        self._keys: KeyRing | None = None

    @property
    def keys(self) -> KeyRing:
        """The signing keys in memory; loading them comes first."""
        if self._keys is None:
            raise RuntimeError("the signing keys are not loaded yet")
        return self._keys

    def hold_keys(self, ring: KeyRing, *, read_at: float) -> None:
        """Use these keys, which were read at `read_at` on the monotonic clock; who reads them no more stops signing."""
        self._keys = replace(ring, signs_until=read_at + self.settings.tokens.key_grace.total_seconds())
