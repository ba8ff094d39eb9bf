"""What a client may do with a token that it holds, besides using it: end it, or ask whether it is good."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from auth_service.api.dependencies import Work
from auth_service.api.forms import document_form, get_oauth_parameters
from auth_service.api.openapi import oauth_problems
from auth_service.api.problems import NO_STORE, OAUTH_PATHS
from auth_service.errors import TooManyAttemptsError
from auth_service.oauth.errors import InvalidClientError, InvalidGrantError, InvalidRequestError

router = APIRouter(prefix=OAUTH_PATHS.rstrip("/"), tags=["oauth"])

Parameters = Annotated[dict[str, str], Depends(get_oauth_parameters)]


class PresentedTokenForm(BaseModel):
    """A token, and who asks."""

    token: str | None = Field(default=None, description="An access token or a refresh token.")
    token_type_hint: str | None = Field(default=None, examples=["refresh_token"])
    client_id: str | None = None
    client_secret: str | None = Field(default=None, json_schema_extra={"format": "password"})


class IntrospectionRead(BaseModel):
    """What is known of a token (RFC 7662 section 2.2); when it is not good, `active` is all there is."""

    model_config = ConfigDict(extra="allow")

    active: bool


@router.post(
    "/revoke",
    response_class=Response,
    openapi_extra=document_form(PresentedTokenForm),
    responses=oauth_problems(InvalidGrantError, InvalidRequestError, InvalidClientError, TooManyAttemptsError),
)
async def revoke_token(request: Request, parameters: Parameters, work: Work) -> Response:
    """End a token (RFC 7009), and with it its session and every other token of that.

    The answer is the same for a token that was not good.
    """
    await work.token_revocation.revoke(parameters, request.headers.get("authorization"))
    return Response(headers=NO_STORE)


@router.post(
    "/introspect",
    response_model=IntrospectionRead,
    openapi_extra=document_form(PresentedTokenForm),
    responses=oauth_problems(InvalidRequestError, InvalidClientError, TooManyAttemptsError),
)
async def introspect_token(request: Request, parameters: Parameters, work: Work, response: Response) -> Any:  # noqa: ANN401
    """Ask whether a token is good now (RFC 7662). Only access tokens have a `token_type`; refresh tokens a `token_use`.

    For confidential clients, about tokens that were issued to them or are meant for them.
    """
    response.headers.update(NO_STORE)
    return await work.token_introspection.introspect(parameters, request.headers.get("authorization"))
