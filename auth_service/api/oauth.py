"""The OAuth endpoints."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from auth_service.api.dependencies import Work
from auth_service.api.forms import document_form, read_form
from auth_service.api.openapi import oauth_problems
from auth_service.api.problems import INTERNAL_ERROR_DETAIL, NO_STORE, OAUTH_PATHS
from auth_service.db.errors import DatabaseUnavailableError
from auth_service.oauth.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    InvalidTargetError,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)
from auth_service.oauth.grants.messages import TokenResponse

router = APIRouter(prefix=OAUTH_PATHS.rstrip("/"), tags=["oauth"])

_BAD_REQUESTS = (
    InvalidGrantError,
    InvalidRequestError,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
    InvalidScopeError,
    InvalidTargetError,
)


class TokenForm(BaseModel):
    """The parameters of the token endpoint, all optional, so that what is missing is refused the way RFC 6749 says."""

    grant_type: str | None = Field(default=None, examples=["password"])
    username: str | None = Field(default=None, description="E-mail address or username.", examples=["ann@example.com"])
    password: str | None = Field(default=None, json_schema_extra={"format": "password"})
    scope: str | None = Field(
        default=None, description="Scopes, separated by spaces; all that one may have if left out."
    )
    resource: str | None = Field(default=None, description="One of the client's audiences (RFC 8707).")
    client_id: str | None = Field(default=None, description="Leave out: the first-party client.")
    client_secret: str | None = Field(default=None, json_schema_extra={"format": "password"})


class TokenRead(BaseModel):
    """Tokens (RFC 6749 section 5.1)."""

    access_token: str
    token_type: str = Field(default="Bearer", examples=["Bearer"])
    expires_in: int = Field(description="Seconds.", examples=[600])
    scope: str = Field(examples=["items:read items:write profile:read profile:write"])


async def get_token_parameters(request: Request) -> dict[str, str]:
    """Return the form's fields that have a value; raises InvalidRequestError.

    Two Authorization headers are two ways of authenticating at once (RFC 6749 section 2.3).
    """
    if len(request.headers.getlist("authorization")) > 1:
        raise InvalidRequestError
    return await read_form(request)


@router.post(
    "/token",
    response_model=TokenRead,
    openapi_extra=document_form(TokenForm),
    responses=oauth_problems(
        {
            400: {error.code: error.detail for error in _BAD_REQUESTS},
            401: {InvalidClientError.code: InvalidClientError.detail},
            413: {"invalid_request": "A request body may have 65536 bytes."},
            414: {"invalid_request": "A URL may have 8192 bytes."},
            431: {"invalid_request": "All headers together may have 32768 bytes."},
            500: {"server_error": INTERNAL_ERROR_DETAIL},
            503: {"temporarily_unavailable": DatabaseUnavailableError.detail},
        }
    ),
)
async def issue_token(
    request: Request,
    parameters: Annotated[dict[str, str], Depends(get_token_parameters)],
    work: Work,
    response: Response,
) -> TokenResponse:
    """Get tokens for a grant (RFC 6749 section 3.2): `grant_type=password` signs a person in."""
    response.headers.update(NO_STORE)
    return await work.token_endpoint.issue(parameters, request.headers.get("authorization"))
