"""The shapes of proofs by mail on the wire."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from auth_service.security.client_input import ClientInput
from auth_service.security.text import refuse_unstorable_secret
from auth_service.users.email_address import EmailAddress
from auth_service.users.fields import Password

_MAX_TOKEN_LENGTH = 128

_PASSWORD = "correct horse battery staple"
_EXAMPLE = "3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

OneTimeToken = Annotated[
    SecretStr,
    Field(min_length=1, max_length=_MAX_TOKEN_LENGTH, description="As it stands in the mail or its link."),
    AfterValidator(refuse_unstorable_secret),
]


_TO_WHOEVER_IT_IS = "If there is something to send to this address, a mail is on its way."
TO_AN_ACCOUNT = "A mail to the account's address is on its way."


class Accepted(BaseModel):
    """What was asked for is done where it can be; anybody but an administrator is told by mail alone whether it can."""

    detail: str = Field(default=_TO_WHOEVER_IT_IS, examples=[_TO_WHOEVER_IT_IS, TO_AN_ACCOUNT])


class MailRequest(ClientInput):
    """The address of an account."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ann@example.com"}]})

    email: EmailAddress


class EmailVerificationConfirm(ClientInput):
    """The proof that the address is one's own, and that whoever asks chose the account's password."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "token": f"verify_{_EXAMPLE}",
                    "password": _PASSWORD,
                }
            ]
        }
    )

    token: OneTimeToken
    password: Password


class EmailChangeRequest(ClientInput):
    """A new address, and the proof that whoever asks knows the password."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"new_email": "ann@new.example.com", "current_password": _PASSWORD}]}
    )

    new_email: EmailAddress
    current_password: Password


class EmailChangeConfirm(ClientInput):
    """The proof that the new address is one's own."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": f"email_{_EXAMPLE}"}]})

    token: OneTimeToken


class PasswordRecoveryConfirm(ClientInput):
    """The proof that the account's address is one's own, and a new password."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "token": f"recover_{_EXAMPLE}",
                    "new_password": "a much better passphrase",
                }
            ]
        }
    )

    token: OneTimeToken
    new_password: Password
