"""What an operator may say about tokens."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_settings import NoDecode

from auth_service.security.base_url import parse_base_url

_LISTED_LONGER = timedelta(minutes=1)
_OUTAGE_MARGIN = timedelta(minutes=1)


class SigningAlgorithm(StrEnum):
    """What tokens are signed with (RFC 7518 section 3.1, RFC 8037 section 3.1); nothing else is ever accepted."""

    ES256 = "ES256"
    RS256 = "RS256"
    EDDSA = "EdDSA"


class TokenSettings(BaseModel):
    """`AUTH_TOKENS__*`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(
        description="The public URL of this service, as other services reach it; it is the `iss` of every token.",
        examples=["https://auth.example.com"],
    )
    audience: str = Field(
        default="",
        description="The audience this service itself accepts; the issuer if not set.",
        examples=["https://auth.example.com"],
    )
    shared_audiences: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="More audiences that tokens are made out to, separated by commas, for other services.",
        examples=["https://orders.example.com,https://billing.example.com"],
    )
    algorithm: SigningAlgorithm = Field(
        default=SigningAlgorithm.ES256, description="What tokens are signed with.", examples=["ES256"]
    )
    access_token_lifetime: timedelta = Field(
        default=timedelta(minutes=10),
        ge=timedelta(seconds=10),
        le=timedelta(hours=24),
        description="How long an access token is good for (ISO 8601).",
        examples=["PT10M"],
    )
    leeway: timedelta = Field(
        default=timedelta(seconds=30),
        ge=timedelta(0),
        le=timedelta(minutes=5),
        description="How far clocks may be apart (ISO 8601).",
        examples=["PT30S"],
    )
    session_idle_lifetime: timedelta = Field(
        default=timedelta(days=14),
        ge=timedelta(minutes=1),
        description="How long a session lives without a refresh (ISO 8601).",
        examples=["P14D"],
    )
    session_lifetime: timedelta = Field(
        default=timedelta(days=90),
        ge=timedelta(minutes=1),
        description="How long a session lives at most; then one signs in again (ISO 8601).",
        examples=["P90D"],
    )
    refresh_replay_window: timedelta = Field(
        default=timedelta(seconds=10),
        ge=timedelta(0),
        le=timedelta(minutes=1),
        description=(
            "For how long a used refresh token gives the same successor again, to a client that lost the answer or has "
            "two tabs; 0 switches that off (ISO 8601)."
        ),
        examples=["PT10S"],
    )
    key_rotation_interval: timedelta = Field(
        default=timedelta(days=30),
        gt=timedelta(0),
        description="How long a signing key signs; then the next one takes over (ISO 8601).",
        examples=["P30D"],
    )
    key_dwell: timedelta = Field(
        default=timedelta(hours=24),
        gt=timedelta(0),
        description=(
            "How long a signing key is published before it signs, at least the age of a kept JWKS and the refresh "
            "of the replicas together (ISO 8601)."
        ),
        examples=["PT24H"],
    )
    key_refresh_interval: timedelta = Field(
        default=timedelta(seconds=10),
        ge=timedelta(milliseconds=100),
        le=timedelta(hours=1),
        description="How often each replica rereads the signing keys (ISO 8601).",
        examples=["PT10S"],
    )
    jwks_max_age: timedelta = Field(
        default=timedelta(minutes=5),
        ge=timedelta(0),
        le=timedelta(hours=24),
        description="For how long verifiers may keep the JWKS (ISO 8601).",
        examples=["PT5M"],
    )

    @property
    def key_grace(self) -> timedelta:
        """How long after a rotation a replica may still sign with the old key: it had read the keys just before.

        A replica that cannot reread them stops signing then; so the margin is what an outage may last unnoticed.
        """
        return self.key_refresh_interval + _OUTAGE_MARGIN

    @property
    def key_retention(self) -> timedelta:
        """How long a retired key stays published: until the last token that it may have signed has expired."""
        return self.access_token_lifetime + self.leeway + self.key_grace

    @property
    def revocations_matter_for(self) -> timedelta:
        """How long after its time an entry of the revocation feed still ends a token: then the last one has expired."""
        return self.access_token_lifetime + self.leeway

    @property
    def revocations_listed_for(self) -> timedelta:
        """How long the feed lists an entry: a little longer, for whoever reads it late."""
        return self.revocations_matter_for + _LISTED_LONGER

    @property
    def audiences(self) -> tuple[str, ...]:
        """Whom a token is made out to: this service first."""
        return (self.audience, *self.shared_audiences)

    @field_validator("shared_audiences", mode="before")
    @classmethod
    def _split(cls, audiences: object) -> object:
        return tuple(audiences.replace(",", " ").split()) if isinstance(audiences, str) else audiences

    @field_validator("issuer")
    @classmethod
    def _is_a_base_url(cls, issuer: str) -> str:
        if parse_base_url(issuer) != issuer:  # whoever copies it to a verifier would have all tokens refused
            raise ValueError("other services compare it letter by letter: write it without the slash at the end")
        return issuer

    @model_validator(mode="after")
    def _verifiers_know_a_key_before_it_signs(self) -> Self:
        least = self.jwks_max_age + self.key_refresh_interval
        if self.key_dwell < least:
            message = f"KEY_DWELL has to be at least JWKS_MAX_AGE and KEY_REFRESH_INTERVAL together, {least}"
            raise ValueError(message)
        return self

    @model_validator(mode="before")
    @classmethod
    def _own_audience_is_the_issuer(cls, values: object) -> object:
        if isinstance(values, dict) and not values.get("audience") and isinstance(values.get("issuer"), str):
            return {**values, "audience": values["issuer"]}
        return values
