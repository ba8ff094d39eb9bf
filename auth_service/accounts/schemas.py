"""The shapes of proofs by mail on the wire."""

from typing import Annotated

from pydantic import BaseModel, Field, SecretStr

from auth_service.security.client_input import ClientInput
from auth_service.users.email_address import EmailAddress
from auth_service.users.fields import Password

_MAX_TOKEN_LENGTH = 128

OneTimeToken = Annotated[
    SecretStr, Field(min_length=1, max_length=_MAX_TOKEN_LENGTH, description="As it stands in the mail or its link.")
]


class Accepted(BaseModel):
    """What was asked for is done where it can be; whether it can is told by mail alone."""

    detail: str = Field(
        default="If there is something to send to this address, a mail is on its way.",
        examples=["If there is something to send to this address, a mail is on its way."],
    )


class MailRequest(ClientInput):
    """The address of an account."""

    email: EmailAddress


class EmailVerificationConfirm(ClientInput):
    """The proof that the address is one's own, and that whoever asks chose the account's password."""

    token: OneTimeToken
    password: Password


class EmailChangeRequest(ClientInput):
    """A new address, and the proof that whoever asks knows the password."""

    new_email: EmailAddress
    current_password: Password


class EmailChangeConfirm(ClientInput):
    """The proof that the new address is one's own."""

    token: OneTimeToken


class PasswordRecoveryConfirm(ClientInput):
    """The proof that the account's address is one's own, and a new password."""

    token: OneTimeToken
    new_password: Password
