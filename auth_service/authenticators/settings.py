"""What an operator may say about what claimants have to prove."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field


class PasswordPolicySettings(BaseModel):
    """`AUTH_PASSWORD_POLICY__*`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum_length: int = Field(
        default=8,
        ge=8,
        le=64,
        description="Characters a new password needs. NIST SP 800-63B-4 asks for 15 where there is no second factor.",
        examples=[15],
    )


class SecondFactorSettings(BaseModel):
    """`AUTH_SECOND_FACTOR__*`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer_name: str = Field(
        default="auth-service",
        min_length=1,
        max_length=64,
        pattern=r"^[^:\x00-\x1f\x7f-\x9f]+$",  # in an app's label a colon parts the issuer from the account
        description="What authenticator apps call this service, without a colon.",
        examples=["Example"],
    )
    recent_sign_in: timedelta = Field(
        default=timedelta(minutes=10),
        ge=timedelta(minutes=1),
        le=timedelta(hours=24),
        description="How long after a sign-in the second factor can be added, removed or renewed (ISO 8601).",
        examples=["PT10M"],
    )
