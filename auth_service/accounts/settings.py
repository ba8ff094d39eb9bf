"""What an operator may say about accounts."""

from pydantic import BaseModel, ConfigDict, Field


class AccountSettings(BaseModel):
    """`AUTH_ACCOUNTS__*`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    registration_open: bool = Field(
        default=True,
        description="Whether strangers may register; administrators always create users.",
        examples=[False],
    )
