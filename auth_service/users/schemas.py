"""The shapes of a user on the wire: what a client may write, and what it gets to read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from auth_service.security.client_input import ClientInput, absent
from auth_service.users.email_address import EmailAddress
from auth_service.users.fields import FullName, Password, Username

PRIVILEGED_FIELDS = frozenset({"is_active", "is_superuser", "email_verified"})
"""What only an administrator may write, besides the address of an existing account."""


class PrivilegedFields(ClientInput):
    """The fields that only an administrator may send; sending one is what counts, not its value."""

    is_active: bool = Field(default_factory=absent, description="Administrators only.")
    is_superuser: bool = Field(default_factory=absent, description="Administrators only.")
    email_verified: bool = Field(default_factory=absent, description="Administrators only.")

    @property
    def privileged(self) -> frozenset[str]:
        """The privileged fields that were sent."""
        return PRIVILEGED_FIELDS & self.model_fields_set


class UserCreate(PrivilegedFields):
    """A new account. Who registers needs a password; an administrator may create an account without one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"email": "ann@example.com", "password": "correct horse battery staple", "full_name": "Ann Example"}
            ]
        }
    )

    email: EmailAddress
    password: Password | None = None
    username: Username | None = None
    full_name: FullName | None = None


class UserUpdate(PrivilegedFields):
    """A change of an account: what is not sent stays as it is, for PUT as well as for PATCH."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"full_name": "Ann B. Example"}]})

    email: EmailAddress = Field(default_factory=absent, description="Administrators only.")
    username: Username | None = None
    full_name: FullName | None = None

    @model_validator(mode="before")
    @classmethod
    def _passwords_have_a_door_of_their_own(cls, values: Any) -> Any:  # noqa: ANN401 - whatever was sent
        if isinstance(values, Mapping) and "password" in values:
            raise ValueError("a password is changed by PUT /users/me/password, which asks for the current one")
        return values


class PasswordChange(ClientInput):
    """A new password, and the proof that whoever asks knows the current one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"current_password": "correct horse battery staple", "new_password": "a much better passphrase"}
            ]
        }
    )

    current_password: Password
    new_password: Password


class Deactivation(ClientInput):
    """The proof that whoever wants to leave is the person whose account it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"current_password": "correct horse battery staple"}]})

    current_password: Password


class UserRead(BaseModel):
    """A user as the user and administrators see them."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    email: str = Field(examples=["ann@example.com"])
    username: str | None = Field(examples=["ann"])
    full_name: str | None = Field(examples=["Ann Example"])
    is_active: bool
    is_superuser: bool
    email_verified_at: datetime | None
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None
