"""The table of registrations that nobody has confirmed yet."""

from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field

from auth_service.db.base import Table
from auth_service.db.types import code_point_text
from auth_service.users.email_address import MAX_EMAIL_LENGTH
from auth_service.users.fields import MAX_NAME_LENGTH, MAX_USERNAME_LENGTH


class PendingRegistration(Table, table=True):
    """One attempt to register, where addresses have to be proven: there is no account before that.

    Any number of attempts may name one address. Each has a password and a token of its own, so that whoever confirms
    one of them confirms nothing that somebody else chose. Moments are the database's.
    """

    __tablename__ = "pending_registrations"

    digest: bytes = Field(primary_key=True, repr=False)
    email: str = Field(max_length=MAX_EMAIL_LENGTH)
    email_normalized: str = Field(sa_column=Column(code_point_text(MAX_EMAIL_LENGTH), nullable=False, index=True))
    username: str | None = Field(default=None, max_length=MAX_USERNAME_LENGTH)
    full_name: str | None = Field(default=None, max_length=MAX_NAME_LENGTH)
    hashed_password: str = Field(max_length=255, repr=False)
    tries: int = 0
    created_at: datetime
    expires_at: datetime = Field(index=True)
