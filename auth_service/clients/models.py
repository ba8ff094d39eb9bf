"""The table of clients: the programs that ask for tokens."""

from datetime import datetime

from sqlalchemy import JSON, Column
from sqlmodel import Field

from auth_service.db.base import Table

FIRST_PARTY_CLIENT_ID = "client_first_party"


class Client(Table, table=True):
    """A program that may ask for tokens. Its id is generated, and is the `client_id` of every token it is given.

    Without a `secret_digest` it is a public client (RFC 6749 section 2.1). `audiences` are those that it may ask for;
    none stands for the configured ones. `own_audience` is what it calls itself when it is a service that tokens are
    made out to. The row with the id FIRST_PARTY_CLIENT_ID is built in: the team's own front ends and `/docs`.
    """

    __tablename__ = "oauth_clients"

    id: str = Field(primary_key=True, max_length=64)
    name: str = Field(max_length=200)
    secret_digest: bytes | None = Field(default=None, repr=False)
    grants: list[str] = Field(sa_column=Column(JSON, nullable=False))
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    audiences: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    own_audience: str | None = Field(default=None, unique=True, max_length=500)
    is_active: bool = True
    created_at: datetime
    updated_at: datetime
