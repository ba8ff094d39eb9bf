"""The tables of users and of the terms by which they are found."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index, Uuid, text
from sqlmodel import Field

from auth_service.db.base import Table
from auth_service.db.types import code_point_text
from auth_service.users.email_address import MAX_EMAIL_LENGTH
from auth_service.users.fields import MAX_NAME_LENGTH, MAX_USERNAME_LENGTH


class User(Table, table=True):
    """A person's account. Its id is the `sub` of every token; its address never is.

    `credential_epoch` rises with every change of the password, of the address or of the second factor, when a proof of
    the address is taken away, with every disabling and every demotion: tokens of an earlier epoch are refused.
    """

    __tablename__ = "users"
    __table_args__ = (
        Index("ix_users_created_at_id", "created_at", "id"),
        Index(
            "ix_users_disabled_created_at_id",
            "created_at",
            "id",
            postgresql_where=text("NOT is_active"),
            sqlite_where=text("NOT is_active"),
        ),
        Index(
            "ix_users_superusers_created_at_id",
            "created_at",
            "id",
            postgresql_where=text("is_superuser"),
            sqlite_where=text("is_superuser"),
        ),
        Index(
            "ix_users_unverified_created_at_id",
            "created_at",
            "id",
            postgresql_where=text("email_verified_at IS NULL"),
            sqlite_where=text("email_verified_at IS NULL"),
        ),
        Index(
            "ix_users_verified_created_at_id",
            "created_at",
            "id",
            postgresql_where=text("email_verified_at IS NOT NULL"),
            sqlite_where=text("email_verified_at IS NOT NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    email: str = Field(max_length=MAX_EMAIL_LENGTH)
    email_normalized: str = Field(sa_column=Column(code_point_text(MAX_EMAIL_LENGTH), unique=True, nullable=False))
    username: str | None = Field(default=None, unique=True, max_length=MAX_USERNAME_LENGTH)
    full_name: str | None = Field(default=None, max_length=MAX_NAME_LENGTH)
    hashed_password: str | None = Field(default=None, max_length=255, repr=False)
    is_active: bool = True
    is_superuser: bool = False
    email_verified_at: datetime | None = None
    credential_epoch: int = 1
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None = None


class UserSearchTerm(Table, table=True):
    """One word under which a user is found: a plain index answers every prefix, at any size, on both databases.

    `created_at` is the user's, which never changes: those whom a word finds are put in order without looking them up.
    """

    __tablename__ = "user_search_terms"
    __table_args__ = (Index("ix_user_search_terms_user_id_term", "user_id", "term"),)

    term: str = Field(sa_column=Column(code_point_text(MAX_EMAIL_LENGTH), primary_key=True))
    created_at: datetime = Field(primary_key=True)
    user_id: UUID = Field(sa_column=Column(Uuid(), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True))
