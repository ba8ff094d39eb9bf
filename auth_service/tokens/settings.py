"""What an operator may say about tokens."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_settings import NoDecode

_BASE_URL = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")


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

    @property
    def revocations_matter_for(self) -> timedelta:
        """How long after its time an entry of the revocation feed still ends a token: then the last one has expired."""
        return self.access_token_lifetime + self.leeway

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
        if not _BASE_URL.fullmatch(issuer):
            raise ValueError("it is not the URL of a service: scheme, host, nothing after the path")
        return issuer.rstrip("/")

    @model_validator(mode="before")
    @classmethod
    def _own_audience_is_the_issuer(cls, values: object) -> object:
        if isinstance(values, dict) and not values.get("audience") and isinstance(values.get("issuer"), str):
            return {**values, "audience": values["issuer"].rstrip("/")}
        return values
