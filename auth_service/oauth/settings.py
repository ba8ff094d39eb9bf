"""What an operator may say about the grants."""

from pydantic import BaseModel, ConfigDict, Field


class OAuthSettings(BaseModel):
    """`AUTH_OAUTH__*`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    password_grant: bool = Field(
        default=True,
        description="Whether users sign in by the password grant; RFC 9700 section 2.4 advises against it.",
        examples=[True],
    )
