"""The documents by which other services learn how to verify tokens (RFC 8615)."""

from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, Field

from auth_service.api.dependencies import CurrentRuntime
from auth_service.api.openapi import problems

router = APIRouter(prefix="/.well-known", tags=["well-known"])

JWKS_MAX_AGE_SECONDS = 300


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


@router.get(
    "/jwks.json",
    response_model=JsonWebKeySet,
    responses={304: {"description": "Not Modified"}, **problems(422)},
)
async def read_jwks(runtime: CurrentRuntime, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """Read the keys that tokens are verified with; answered from memory, whatever the database does."""
    document = runtime.keys.jwks
    etag = f'"{sha256(document).hexdigest()[:32]}"'
    headers = {"Cache-Control": f"public, max-age={JWKS_MAX_AGE_SECONDS}", "ETag": etag}
    if if_none_match is not None and (etag in if_none_match or if_none_match.strip() == "*"):
        return Response(status_code=304, headers=headers)
    return Response(document, media_type="application/json", headers=headers)
