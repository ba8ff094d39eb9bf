"""The token endpoint."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from auth_service.api.dependencies import Work
from auth_service.api.forms import document_form, get_oauth_parameters
from auth_service.api.openapi import oauth_problems
from auth_service.api.problems import NO_STORE, OAUTH_PATHS
from auth_service.errors import TooManyAttemptsError
from auth_service.oauth.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    InvalidTargetError,
    MfaRequiredError,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)
from auth_service.oauth.grants.messages import TokenResponse

router = APIRouter(prefix=OAUTH_PATHS.rstrip("/"), tags=["oauth"])


class TokenForm(BaseModel):
    """The parameters of the token endpoint, all optional, so that what is missing is refused the way RFC 6749 says."""

    grant_type: str | None = Field(default=None, examples=["password"])
    username: str | None = Field(default=None, description="E-mail address or username.", examples=["ann@example.com"])
    password: str | None = Field(default=None, json_schema_extra={"format": "password"})
    refresh_token: str | None = Field(default=None, json_schema_extra={"format": "password"})
    mfa_token: str | None = Field(default=None, description="What `mfa_required` came with.")
    otp: str | None = Field(default=None, description="The code of an authenticator app.", examples=["123456"])
    recovery_code: str | None = Field(default=None, description="Instead of `otp`, once the app is lost.")
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
    refresh_token: str | None = Field(
        default=None, exclude_if=lambda token: token is None, description="Good once: each refresh gives a new one."
    )


@router.post(
    "/token",
    response_model=TokenRead,
    openapi_extra=document_form(TokenForm),
    responses=oauth_problems(
        InvalidGrantError,
        MfaRequiredError,
        InvalidRequestError,
        UnauthorizedClientError,
        UnsupportedGrantTypeError,
        InvalidScopeError,
        InvalidTargetError,
        InvalidClientError,
        TooManyAttemptsError,
    ),
)
async def issue_token(
    request: Request,
    parameters: Annotated[dict[str, str], Depends(get_oauth_parameters)],
    work: Work,
    response: Response,
) -> TokenResponse:
    """Get tokens for a grant (RFC 6749 section 3.2): `grant_type=password` signs a person in.

    `grant_type=refresh_token` goes on with the session of a refresh token. It gives a new refresh token and ends the
    one that was sent, which must not be used again. `grant_type=client_credentials` gives a service a token for itself.

    For an account with a second factor the password is answered with `mfa_required` and an `mfa_token`, which is good
    for five minutes and five tries. Send it with `otp` or `recovery_code` and
    `grant_type=urn:auth-service:params:oauth:grant-type:second-factor`.
    """
    response.headers.update(NO_STORE)
    return await work.token_endpoint.issue(parameters, request.headers.get("authorization"))
