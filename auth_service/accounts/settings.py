"""What an operator may say about accounts."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

_SHORTEST, _LONGEST = timedelta(minutes=5), timedelta(days=30)


class AccountSettings(BaseModel):
    """`AUTH_ACCOUNTS__*`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    registration_open: bool = Field(
        default=True,
        description="Whether strangers may register; administrators always create users.",
        examples=[False],
    )
    verified_email_required: bool = Field(
        default=False,
        description="Whether an account exists, or signs in, only once its address is proven; needs mail.",
        examples=[True],
    )
    email_verification_lifetime: timedelta = Field(
        default=timedelta(hours=24),
        ge=_SHORTEST,
        le=_LONGEST,
        description="How long the mailed proof of an address is good for, after registration too (ISO 8601).",
        examples=["PT24H"],
    )
    email_change_lifetime: timedelta = Field(
        default=timedelta(hours=1),
        ge=_SHORTEST,
        le=_LONGEST,
        description="How long the mailed proof of a new address is good for (ISO 8601).",
        examples=["PT1H"],
    )
    password_recovery_lifetime: timedelta = Field(
        default=timedelta(hours=1),
        ge=_SHORTEST,
        le=_LONGEST,
        description="How long a mailed password recovery is good for (ISO 8601).",
        examples=["PT1H"],
    )
    invitation_lifetime: timedelta = Field(
        default=timedelta(days=7),
        ge=_SHORTEST,
        le=_LONGEST,
        description="How long a mailed invitation is good for (ISO 8601).",
        examples=["P7D"],
    )
