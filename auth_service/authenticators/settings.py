"""What an operator may say about what claimants have to prove."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FilePath, field_validator
from pydantic_settings import NoDecode

# Without TLS somebody on the way would learn the prefixes; on the machine itself there is nobody on the way.
_RANGE_URL = re.compile(r"(https://[A-Za-z0-9._-]+|http://(127\.0\.0\.1|localhost))(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")


class PasswordPolicySettings(BaseModel):
    """`AUTH_PASSWORD_POLICY__*`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum_length: int = Field(
        default=8,
        ge=8,
        le=64,
        description="Characters a new password needs. NIST SP 800-63B-4 asks for 15 where there is no second factor.",
        examples=[15],
    )
    blocklist_file: FilePath | None = Field(
        default=None,
        description="A file of more passwords that are refused, one a line, besides the common ones of the package.",
        examples=["/etc/auth-service/refused-passwords.txt"],
    )
    service_names: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("auth-service",),
        description="What people call this service and whose it is, separated by commas: no password may be little "
        "more than one of these, or than the issuer's host.",
        examples=["Example Accounts,Example Inc"],
    )
    breach_range_url: str | None = Field(
        default=None,
        description="A range API of stolen passwords that new ones are looked up in: five digits of a SHA-1 are added "
        "to it. While it does not answer within a second, passwords pass.",
        examples=["https://api.pwnedpasswords.com/range/"],
    )

    @field_validator("service_names", mode="before")
    @classmethod
    def _split(cls, names: object) -> object:
        return tuple(name.strip() for name in names.split(",") if name.strip()) if isinstance(names, str) else names

    @field_validator("blocklist_file")
    @classmethod
    def _readable(cls, path: FilePath | None) -> FilePath | None:
        if path is not None:
            try:
                path.read_text("utf-8-sig")
            except (OSError, UnicodeDecodeError):
                raise ValueError("it cannot be read as UTF-8 text") from None
        return path

    @field_validator("breach_range_url")
    @classmethod
    def _private(cls, url: str | None) -> str | None:
        if url is not None and not _RANGE_URL.fullmatch(url):
            raise ValueError("it is not an https URL without query")
        return url


class SecondFactorSettings(BaseModel):
    """`AUTH_SECOND_FACTOR__*`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer_name: str = Field(
        default="auth-service",
        min_length=1,
        max_length=64,
        pattern=r"^[^:\x00-\x1f\x7f-\x9f]+$",  # in an app's label a colon parts the issuer from the account
        description="What authenticator apps call this service, without a colon.",
        examples=["Example"],
    )
    recent_sign_in: timedelta = Field(
        default=timedelta(minutes=10),
        ge=timedelta(minutes=1),
        le=timedelta(hours=24),
        description="How long after a sign-in the second factor can be added, removed or renewed (ISO 8601).",
        examples=["PT10M"],
    )
