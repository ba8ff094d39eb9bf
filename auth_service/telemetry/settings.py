"""What an operator may say about metrics and traces."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator


class MetricsSettings(BaseModel):
    """`AUTH_METRICS__*`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: Annotated[int, Field(ge=1, le=65_535)] | None = Field(
        default=None,
        description="The port of /metrics, for Prometheus; with several workers each has one, from this one on.",
        examples=[9464],
    )
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="The address that /metrics listens on. Nobody is asked who they are there: keep strangers away.",
        examples=["0.0.0.0"],  # noqa: S104 - for a pod, whose network policy says who may come
    )


class TracingSettings(BaseModel):
    """`AUTH_TRACING__*`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str | None = Field(
        default=None,
        description="Where traces are sent by OTLP over HTTP, as the whole URL. Needs the extra `otel`.",
        examples=["http://otel-collector:4318/v1/traces"],
    )
    sample_ratio: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Which part of the requests is traced, where no caller behind a trusted proxy has decided that.",
        examples=[0.1],
    )

    @field_validator("endpoint")
    @classmethod
    def _is_url(cls, endpoint: str | None) -> str | None:
        parts = None if endpoint is None else urlsplit(endpoint)
        if parts is not None and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("it is not an http or https URL")
        if parts is not None and (parts.username or parts.password):
            raise ValueError("a URL ends up in logs: say who is sending by OTEL_EXPORTER_OTLP_HEADERS")
        return endpoint
