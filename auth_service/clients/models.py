"""The table of clients: the programs that ask for tokens."""

from datetime import datetime

from sqlalchemy import JSON, Column
from sqlmodel import Field

from auth_service.authz.scopes import Scope
from auth_service.clients.fields import MAX_AUDIENCE_LENGTH, MAX_NAME_LENGTH, ClientKind
from auth_service.db.base import Table

FIRST_PARTY_CLIENT_ID = "client_first_party"


class Client(Table, table=True):
    """A program that may ask for tokens. Its id is generated, and is the `client_id` of every token it is given.

    Without a `secret_digest` it is a public client (RFC 6749 section 2.1). `audiences` are those that it may ask for;
    none stands for the configured ones. `own_audience` is what it calls itself when it is a service that tokens are
    made out to. Sessions that were opened at `sessions_ended_at` or before are over: a client that was disabled once
    and is active again does not bring them back. The row with the id FIRST_PARTY_CLIENT_ID is built in: the team's own
    front ends and `/docs`.
    """

    __tablename__ = "oauth_clients"

    id: str = Field(primary_key=True, max_length=64)
    name: str = Field(max_length=MAX_NAME_LENGTH)
    secret_digest: bytes | None = Field(default=None, repr=False)
    grants: list[str] = Field(sa_column=Column(JSON, nullable=False))
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    audiences: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    own_audience: str | None = Field(default=None, unique=True, max_length=MAX_AUDIENCE_LENGTH)
    is_active: bool = True
    sessions_ended_at: datetime | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def is_confidential(self) -> bool:
        """Whether it has to prove who it is."""
        return self.secret_digest is not None

    @property
    def kind(self) -> ClientKind:
        """The same in the words of the RFC."""
        return ClientKind.CONFIDENTIAL if self.is_confidential else ClientKind.PUBLIC

    @property
    def rights(self) -> tuple[object, ...]:
        """What a request of the client was checked against."""
        return self.secret_digest, self.grants, self.scopes, self.audiences

    @property
    def grantable_scopes(self) -> frozenset[Scope]:
        """The scopes that its tokens may have; a stored one that this release does not know is none."""
        return frozenset(scope for scope in Scope if scope in self.scopes)
