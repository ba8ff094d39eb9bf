"""The documents by which other services learn how to verify tokens (RFC 8615)."""

from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from auth_service.api.conditional import answer_unless_fresh
from auth_service.api.dependencies import runtime_of
from auth_service.api.openapi import problems

router = APIRouter(prefix="/.well-known", tags=["well-known"])

_METADATA_MAX_AGE = timedelta(minutes=5)
_CACHED: dict[int | str, dict[str, Any]] = {304: {"description": "Not Modified"}, **problems()}
# Described here, and read by hand: a declared parameter takes a seventh of the time of answers as short as these.
_CONDITIONAL = {"parameters": [{"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}]}


class JsonWebKey(BaseModel):
    """A public key (RFC 7517 section 4)."""

    model_config = ConfigDict(extra="allow")

    kty: str = Field(examples=["EC"])
    kid: str
    use: str = Field(examples=["sig"])
    alg: str = Field(examples=["ES256"])


class JsonWebKeySet(BaseModel):
    """The public keys that tokens are verified with."""

    keys: list[JsonWebKey]


class AuthorizationServerMetadata(BaseModel):
    """What this authorization server offers (RFC 8414 section 2)."""

    model_config = ConfigDict(extra="allow")

    issuer: str = Field(examples=["https://auth.example.com"])
    token_endpoint: str
    jwks_uri: str
    grant_types_supported: list[str]
    response_types_supported: list[str]


@router.get("/jwks.json", response_model=JsonWebKeySet, responses=_CACHED, openapi_extra=_CONDITIONAL)
async def read_jwks(request: Request) -> Response:
    """Read the keys that tokens are verified with; answered from memory, whatever the database does."""
    runtime = runtime_of(request)
    return _publish(request, runtime.keys.jwks, runtime.settings.tokens.jwks_max_age)


@router.get(
    "/oauth-authorization-server",
    response_model=AuthorizationServerMetadata,
    responses=_CACHED,
    openapi_extra=_CONDITIONAL,
)
@router.get(
    "/openid-configuration",
    response_model=AuthorizationServerMetadata,
    responses=_CACHED,
    openapi_extra=_CONDITIONAL,
    summary="Read Metadata, for tools that only look here",
)
async def read_metadata(request: Request) -> Response:
    """Read what this authorization server offers, and where (RFC 8414); it is no OpenID provider."""
    return _publish(request, runtime_of(request).metadata, _METADATA_MAX_AGE)


@lru_cache(maxsize=8)  # there are two documents, and a new one at each change of the keys
def _etag_of(document: bytes) -> str:
    return f'"{sha256(document).hexdigest()[:32]}"'


def _publish(request: Request, document: bytes, max_age: timedelta) -> Response:
    return answer_unless_fresh(
        lambda: document,
        media_type="application/json",
        etag=_etag_of(document),
        cache_control=f"public, max-age={int(max_age.total_seconds())}",
        if_none_match=request.headers.get("if-none-match"),
    )
