"""What an operator may say about how often something may be tried."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

MEMORY, DATABASE = "memory", "database"
_REDIS_SCHEMES = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss"}


class ThrottleKind(StrEnum):
    """What is tried; each kind is counted by itself."""

    SIGN_IN = "sign_in"
    PASSWORD = "password"
    SECOND_FACTOR = "second_factor"
    RECOVERY_CODE = "recovery_code"
    REGISTRATION = "registration"
    VERIFICATION_MAIL = "mail.verification"
    ADDRESS_MAIL = "mail.address"
    RECOVERY_MAIL = "mail.recovery"
    COSTLY = "costly"


_FROM_ALL = 10  # times what one network has


@dataclass(frozen=True, slots=True)
class Limits:
    """How many attempts of a kind one pair, one network and one identifier have, in windows of seconds."""

    pair: int
    network: int
    identifier: int
    near_window: float
    far_window: float


class ThrottleSettings(BaseModel):
    """`AUTH_THROTTLE__*`. Why these numbers: docs/decisions/0011-throttles.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    storage: SecretStr = Field(
        default=SecretStr(DATABASE),
        description=(
            "Where attempts are counted: `database`, `memory` (right for one process only), or the URL of a Redis or "
            "Valkey: `redis://`, `rediss://`, `valkey://`, `valkeys://`."
        ),
        examples=["database"],
    )
    short_window: timedelta = Field(
        default=timedelta(minutes=15),
        ge=timedelta(seconds=1),
        le=timedelta(days=1),
        description="For how long guesses at passwords from one network count (ISO 8601).",
        examples=["PT15M"],
    )
    long_window: timedelta = Field(
        default=timedelta(hours=1),
        ge=timedelta(seconds=1),
        le=timedelta(days=7),
        description="For how long everything else counts (ISO 8601).",
        examples=["PT1H"],
    )
    guesses_per_pair: int = Field(
        default=10,
        ge=1,
        le=1_000_000,
        description=(
            "Guesses at one account's password from one network, in a short window; sign-in and what asks for "
            "the password again count separately."
        ),
        examples=[10],
    )
    guesses_per_network: int = Field(
        default=600,
        ge=1,
        le=1_000_000,
        description=(
            "Passwords that one network may try, right or wrong, in a short window; codes are as many, counted "
            "separately in a long one."
        ),
        examples=[600],
    )
    guesses_per_account: int = Field(
        default=30,
        ge=1,
        le=1_000_000,
        description=(
            "Guesses at one account's password from all networks together, but those it has signed in from, in a long "
            "window."
        ),
        examples=[30],
    )
    codes_per_account: int = Field(
        default=10,
        ge=1,
        le=1_000_000,
        description="Guesses at one account's second factor in a long window; recovery codes are counted separately.",
        examples=[10],
    )
    costly_per_account: int = Field(
        default=10,
        ge=1,
        le=1_000_000,
        description="Exports, and set-ups of an authenticator app, of one account in a long window.",
        examples=[10],
    )
    registrations_per_network: int = Field(
        default=100,
        ge=1,
        le=1_000_000,
        description="Registrations from one network in a long window.",
        examples=[100],
    )
    mails_per_address: int = Field(
        default=5,
        ge=1,
        le=1_000_000,
        description=(
            "Mails of each kind that strangers may have sent to one address in a long window; its registrations are as "
            "many."
        ),
        examples=[5],
    )
    mails_per_network: int = Field(
        default=100,
        ge=1,
        le=1_000_000,
        description="Mails that one network may ask for in a long window; registrations are counted separately.",
        examples=[100],
    )
    client_secrets_per_pair: int = Field(
        default=20,
        ge=1,
        le=10_000,
        description="Different wrong secrets of one client from one network in a short window, for each process.",
        examples=[20],
    )
    familiar_for: timedelta = Field(
        default=timedelta(days=30),
        ge=timedelta(0),
        le=timedelta(days=365),
        description=(
            "For how long a network that an account signed in from is not locked out by guesses from elsewhere "
            "(ISO 8601)."
        ),
        examples=["P30D"],
    )

    @field_validator("storage")
    @classmethod
    def _understood(cls, storage: SecretStr) -> SecretStr:
        text = storage.get_secret_value()
        if text not in {MEMORY, DATABASE}:
            redis_url(text)
        return storage

    def limits_of(self, kind: ThrottleKind) -> Limits:
        """Return the limits of a kind."""
        short, long = self.short_window.total_seconds(), self.long_window.total_seconds()
        match kind:
            case ThrottleKind.SIGN_IN | ThrottleKind.PASSWORD:
                guesses = self.guesses_per_pair, self.guesses_per_network, self.guesses_per_account
                return Limits(*guesses, near_window=short, far_window=long)
            case ThrottleKind.SECOND_FACTOR:
                codes = self.codes_per_account, self.guesses_per_network, self.codes_per_account
                return Limits(*codes, near_window=long, far_window=long)
            case ThrottleKind.RECOVERY_CODE:  # they cannot be guessed, and must not be out of reach when others guess
                codes = self.codes_per_account, self.guesses_per_network, _FROM_ALL * self.codes_per_account
                return Limits(*codes, near_window=long, far_window=long)
            case ThrottleKind.REGISTRATION:  # nobody keeps somebody else from registering
                addresses = self.mails_per_address, self.registrations_per_network, _FROM_ALL * self.mails_per_address
                return Limits(*addresses, near_window=long, far_window=long)
            case ThrottleKind.COSTLY:
                costs = self.costly_per_account, self.guesses_per_network, self.costly_per_account
                return Limits(*costs, near_window=long, far_window=long)
            case _:
                mails = self.mails_per_address, self.mails_per_network, self.mails_per_address
                return Limits(*mails, near_window=long, far_window=long)


def redis_url(text: str) -> str:
    """Return a URL that the Redis client knows; raises ValueError with a sentence that repeats nothing of it."""
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in _REDIS_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number
        is_usable = False
    if not is_usable:
        raise ValueError(
            "it is database, memory, or a URL that begins with redis://, rediss://, valkey:// or valkeys://"
        )
    return _REDIS_SCHEMES[parts.scheme] + text[len(parts.scheme) :]
