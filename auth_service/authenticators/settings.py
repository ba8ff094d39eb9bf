"""What an operator may say about what claimants have to prove."""

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
