"""The shapes of a client on the wire; its secret is in none but the one that is shown once."""

from datetime import datetime
from typing import Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from auth_service.clients.fields import Audience, Audiences, ClientKind, ClientName, Grants, Scopes
from auth_service.security.client_input import ClientInput, absent

_OWN_AUDIENCE = "What the client calls itself, when it is a service that tokens are made out to."


class ClientCreate(ClientInput):
    """A new client. Its id and its secret are generated."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Orders",
                    "kind": "confidential",
                    "grants": ["client_credentials"],
                    "audiences": ["https://billing.example.com"],
                    "own_audience": "https://orders.example.com",
                }
            ]
        }
    )

    name: ClientName
    kind: ClientKind
    grants: Grants = Field(default_factory=list)
    scopes: Scopes = Field(default_factory=list)
    audiences: Audiences = Field(default_factory=list)
    own_audience: Audience | None = Field(default=None, description=_OWN_AUDIENCE)


class ClientUpdate(ClientInput):
    """A change of a client: what is not sent stays as it is. Of which kind it is does not change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Orders and returns"}]})

    name: ClientName = Field(default_factory=absent)
    grants: Grants = Field(default_factory=absent)
    scopes: Scopes = Field(default_factory=absent)
    audiences: Audiences = Field(default_factory=absent)
    own_audience: Audience | None = Field(default=None, description=_OWN_AUDIENCE)
    is_active: bool = Field(default_factory=absent, description="A disabled client's tokens are refused at once.")


class ClientRead(BaseModel):
    """A client as administrators see it."""

    model_config = ConfigDict(from_attributes=True)

    client_id: str = Field(
        validation_alias=AliasChoices("id", "client_id"), examples=["client_3f1d2c4b5a697c3a7e219a540199d3f8"]
    )
    name: str = Field(examples=["Orders"])
    kind: ClientKind
    grants: list[str] = Field(examples=[["client_credentials"]])
    scopes: list[str] = Field(examples=[["items:read"]])
    audiences: list[str] = Field(examples=[["https://billing.example.com"]])
    own_audience: str | None = Field(examples=["https://orders.example.com"])
    is_active: bool
    created_at: datetime
    updated_at: datetime


class ClientWithSecret(ClientRead):
    """A client and its new secret, which cannot be read again: only a digest of it is stored."""

    client_secret: str | None = Field(
        repr=False, description="Shown only this once; null for a public client.", examples=["client_secret_..."]
    )

    @classmethod
    def of(cls, client: object, secret: str | None) -> Self:
        """Return the shape of `client` with its secret."""
        return cls.model_validate({**ClientRead.model_validate(client).model_dump(), "client_secret": secret})
