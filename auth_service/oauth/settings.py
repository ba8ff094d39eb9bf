"""What an operator may say about the grants."""

from pydantic import BaseModel, ConfigDict, Field

from auth_service.clients.fields import SECOND_FACTOR_GRANT_TYPE, ClientGrant


class OAuthSettings(BaseModel):
    """`AUTH_OAUTH__*`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    password_grant: bool = Field(
        default=True,
        description="Whether users sign in by the password grant; RFC 9700 section 2.4 advises against it.",
        examples=[True],
    )

    @property
    def grants(self) -> tuple[ClientGrant, ...]:
        """The grants that are given here, if the client may have them."""
        return tuple(grant for grant in ClientGrant if self.password_grant or grant is not ClientGrant.PASSWORD)

    @property
    def grant_types(self) -> tuple[str, ...]:
        """What the token endpoint takes as a `grant_type`."""
        return (*self.grants, *((SECOND_FACTOR_GRANT_TYPE,) if self.password_grant else ()))
