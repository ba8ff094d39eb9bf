"""What an operator may say about the database."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from auth_service.db.url import parse_database_url


class DatabaseSettings(BaseModel):
    """`AUTH_DATABASE__*`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: SecretStr = Field(
        default=SecretStr("sqlite:///./var/auth-service.db"),
        description="Where the database is. PostgreSQL, or a SQLite file.",
        examples=["postgresql://user:a-random-one@db.example.com:5432/auth"],
    )
    read_url: SecretStr | None = Field(
        default=None,
        description=(
            "Where a read replica of the database is, on PostgreSQL: long lists are read there while it answers; what "
            "they show may lag."
        ),
        examples=["postgresql://user:a-random-one@replica.example.com:5432/auth"],
    )
    pool_size: int = Field(
        default=20, ge=1, le=200, description="Connections a process keeps open, as many as it needed.", examples=[20]
    )
    pool_overflow: int = Field(
        default=0,
        ge=0,
        le=200,
        description=(
            "Connections beyond those, for a burst: each is opened and closed again, which mostly takes longer than "
            "to wait."
        ),
        examples=[10],
    )
    connect_timeout: timedelta = Field(
        default=timedelta(seconds=2),
        gt=timedelta(0),
        description="How long to wait for a connection, new or from the pool (ISO 8601).",
        examples=["PT2S"],
    )

    @field_validator("url")
    @classmethod
    def _understood(cls, url: SecretStr) -> SecretStr:
        parse_database_url(url.get_secret_value())
        return url

    @field_validator("read_url")
    @classmethod
    def _replicated(cls, read_url: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        for url in (read_url, others.data.get("url")):
            if read_url and url and parse_database_url(url.get_secret_value()).is_sqlite:
                raise ValueError("SQLite has no replicas, so both databases have to be PostgreSQL")
        return read_url
