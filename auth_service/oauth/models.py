"""The table of sign-ins that wait for a second factor."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, Column, ForeignKey, String, Uuid
from sqlmodel import Field

from auth_service.db.base import Table


class SignInChallenge(Table, table=True):
    """The first factor was right: whoever brings the second one within minutes gets what was asked for then.

    It is good once and for a few tries, and only at the account's `credential_epoch` of that time and for the same
    client. Moments are the database's.
    """

    __tablename__ = "sign_in_challenges"

    digest: bytes = Field(primary_key=True, repr=False)
    user_id: UUID = Field(
        sa_column=Column(Uuid(), ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    client_id: str = Field(
        sa_column=Column(String(64), ForeignKey("oauth_clients.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    credential_epoch: int
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    audiences: list[str] = Field(sa_column=Column(JSON, nullable=False))
    amr: list[str] = Field(sa_column=Column(JSON, nullable=False))
    tries: int = 0
    created_at: datetime
    expires_at: datetime = Field(index=True)
