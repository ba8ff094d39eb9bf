"""The settings of a process: the frozen group that each room declares, composed in one place."""

import os
import re
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from auth_service.accounts.settings import AccountSettings
from auth_service.authenticators.settings import PasswordPolicySettings, SecondFactorSettings
from auth_service.authenticators.throttle_settings import ThrottleSettings
from auth_service.db.settings import DatabaseSettings
from auth_service.mail.settings import MailSettings
from auth_service.oauth.settings import OAuthSettings
from auth_service.security.settings import HashingSettings, SecuritySettings
from auth_service.telemetry.settings import MetricsSettings, TracingSettings
from auth_service.tokens.settings import TokenSettings

PREFIX = "AUTH_"
SECRETS_DIR = "AUTH_SECRETS_DIR"
_ORIGIN = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


class HttpSettings(BaseModel):
    """`AUTH_HTTP__*`: the edge. It stands here because the room of the edge is above this file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    docs: bool = Field(default=False, description="Whether /docs and /openapi.json are served.", examples=[True])
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins of browser applications that may call this service, separated by commas.",
        examples=["https://app.example.com"],
    )
    max_body_bytes: int = Field(
        default=65_536, ge=1024, le=10_485_760, description="The largest request body, in bytes.", examples=[65_536]
    )
    access_log: bool = Field(
        default=False,
        description="Whether each finished request is a line of the log, which costs a part of the throughput.",
        examples=[True],
    )
    trusted_hops: int = Field(
        default=0,
        ge=0,
        le=8,
        description=(
            "Proxies in front of this service that add to X-Forwarded-For who called them; 0 means that the header is "
            "not believed."
        ),
        examples=[1],
    )
    receive_timeout: timedelta = Field(
        default=timedelta(seconds=10),
        gt=timedelta(0),
        le=timedelta(minutes=10),
        description=(
            "How long a client may take to send a whole request, and to read what it is sent (ISO 8601); then it is "
            "cut off."
        ),
        examples=["PT10S"],
    )
    keep_alive_timeout: timedelta = Field(
        default=timedelta(seconds=5),
        gt=timedelta(0),
        le=timedelta(minutes=10),
        description=(
            "For how long a connection is kept open between two requests (ISO 8601); longer than a proxy in front "
            "keeps its own."
        ),
        examples=["PT75S"],
    )
    max_connections: int = Field(
        default=1_000,
        ge=1,
        le=1_000_000,
        description=(
            "Connections that a process has open; beyond that the one that has waited longest for its client is "
            "closed. Eight more are for probes."
        ),
        examples=[5_000],
    )
    drain_delay: timedelta = Field(
        default=timedelta(0),
        ge=timedelta(0),
        le=timedelta(minutes=10),
        description=(
            "How long a process that was told to stop goes on serving while /readyz is red, so that load balancers "
            "notice (ISO 8601)."
        ),
        examples=["PT10S"],
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, origins: object) -> object:
        return tuple(origins.replace(",", " ").split()) if isinstance(origins, str) else origins

    @field_validator("cors_origins")
    @classmethod
    def _named(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                message = f"{origin!r} is not an origin: scheme and host, no path, no wildcard"
                raise ValueError(message)
        return origins


class Settings(BaseSettings):
    """Read from the environment: `AUTH_`, the group, two underscores, the name; or from files of these names."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    security: SecuritySettings
    tokens: TokenSettings
    hashing: HashingSettings = Field(default_factory=HashingSettings)
    password_policy: PasswordPolicySettings = Field(default_factory=PasswordPolicySettings)
    throttle: ThrottleSettings = Field(default_factory=ThrottleSettings)
    second_factor: SecondFactorSettings = Field(default_factory=SecondFactorSettings)
    accounts: AccountSettings = Field(default_factory=AccountSettings)
    mail: MailSettings = Field(default_factory=MailSettings)
    oauth: OAuthSettings = Field(default_factory=OAuthSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    tracing: TracingSettings = Field(default_factory=TracingSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings passes all of them by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - there is no such file
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the files of the folder that AUTH_SECRETS_DIR names, where it names one, below the environment.

        A variable is seen by whoever may look at a pod or a container and by every child; a mounted file is not.
        """
        folder = os.environ.get(SECRETS_DIR) or None
        files = NestedSecretsSettingsSource(file_secret_settings, secrets_dir=folder, secrets_dir_missing="error")
        return init_settings, env_settings, files
