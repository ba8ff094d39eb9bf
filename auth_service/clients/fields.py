"""The fields of a client that administrators write, each with its limits."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from auth_service.authz.scopes import Scope
from auth_service.security.text import Text

CLIENT_ID_PATTERN = r"^client_[0-9a-z_]{1,57}$"
MAX_NAME_LENGTH = 200
MAX_AUDIENCE_LENGTH = 500
MAX_AUDIENCES = 20
MAX_AUDIENCES_LENGTH = 2000
AUDIENCE_PATTERN = r"^[A-Za-z0-9._~:/@%+\[\]-]+$"


class ClientKind(StrEnum):
    """Whether a client can keep a secret (RFC 6749 section 2.1)."""

    PUBLIC = "public"
    CONFIDENTIAL = "confidential"


SECOND_FACTOR_GRANT_TYPE = "urn:auth-service:params:oauth:grant-type:second-factor"
"""How a sign-in by password goes on; whoever may begin one may finish it, so no client is allowed it by itself."""


class ClientGrant(StrEnum):
    """What a client can be allowed to exchange for tokens."""

    PASSWORD = "password"
    REFRESH_TOKEN = "refresh_token"
    CLIENT_CREDENTIALS = "client_credentials"


def _each_once(words: list[str]) -> list[str]:
    return sorted(set(words))


def _short_enough(audiences: list[str]) -> list[str]:
    if sum(map(len, audiences)) > MAX_AUDIENCES_LENGTH:
        message = f"At most {MAX_AUDIENCES_LENGTH} characters together: every token has them all, and goes in a header."
        raise ValueError(message)
    return audiences


ClientName = Annotated[
    Text,
    # Control characters would reach the terminal of whoever lists the clients.
    Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$", examples=["Orders"]),
]
Audience = Annotated[
    Text,
    Field(
        max_length=MAX_AUDIENCE_LENGTH,
        pattern=AUDIENCE_PATTERN,
        description=(
            "A URI without query and fragment, which `resource` of RFC 8707 needs, or a plain name, as in "
            "AUTH_TOKENS__SHARED_AUDIENCES."
        ),
        examples=["https://orders.example.com"],
    ),
]
Grants = Annotated[
    list[ClientGrant],
    Field(
        max_length=len(ClientGrant),
        description=(
            "What it may exchange for tokens; a service that only checks tokens needs nothing. `password` shows the "
            "client people's passwords: for first-party clients alone (RFC 9700 section 2.4). `client_credentials` is "
            "for confidential clients."
        ),
        examples=[["client_credentials"]],
    ),
    AfterValidator(_each_once),
]
Scopes = Annotated[
    list[Scope],
    Field(max_length=len(Scope), description="The most that its tokens can be good for.", examples=[["items:read"]]),
    AfterValidator(_each_once),
]
Audiences = Annotated[
    list[Audience],
    Field(
        max_length=MAX_AUDIENCES,
        description="Whom its tokens can be made out to; none stands for the configured audiences.",
        examples=[["https://orders.example.com"]],
    ),
    AfterValidator(_each_once),
    AfterValidator(_short_enough),
]
