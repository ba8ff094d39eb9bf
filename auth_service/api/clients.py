"""Clients: the programs that ask for tokens, and the services that check them. Administrators only."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from auth_service.api.dependencies import Work
from auth_service.api.guards import CurrentPrincipal, get_current_admin_user
from auth_service.api.openapi import problems
from auth_service.api.pagination import Page, PageAnswer, PageQuery, RequestCursors
from auth_service.clients.errors import (
    BuiltInClientError,
    ClientNotFoundError,
    OwnAudienceTakenError,
    PublicClientError,
)
from auth_service.clients.fields import CLIENT_ID_PATTERN
from auth_service.clients.models import Client
from auth_service.clients.schemas import ClientCreate, ClientRead, ClientUpdate, ClientWithSecret
from auth_service.db.keyset import InvalidPositionError

router = APIRouter(prefix="/clients", tags=["clients"], dependencies=[Depends(get_current_admin_user)])

ClientId = Annotated[str, Path(pattern=CLIENT_ID_PATTERN)]


@router.post("", status_code=201, responses=problems(400, 401, 403, OwnAudienceTakenError, 422))
async def create_client(new_client: ClientCreate, principal: CurrentPrincipal, work: Work) -> ClientWithSecret:
    """Create a client. The secret of a confidential one is in this answer and nowhere else."""
    return await work.clients.create(principal, new_client)


@router.get("", response_model=Page[ClientRead], responses=problems(InvalidPositionError, 401, 403, 422))
async def list_clients(
    query: Annotated[PageQuery, Query()], principal: CurrentPrincipal, cursors: RequestCursors, work: Work
) -> PageAnswer[Client]:
    """List the clients, the oldest first."""
    return cursors.answer(await work.clients.list(principal, cursors.requested(query)))


@router.get("/{client_id}", response_model=ClientRead, responses=problems(400, 401, 403, ClientNotFoundError, 422))
async def read_client(client_id: ClientId, principal: CurrentPrincipal, work: Work) -> Client:
    """Read a client."""
    return await work.clients.get(principal, client_id)


@router.patch(
    "/{client_id}",
    response_model=ClientRead,
    responses=problems(400, 401, 403, ClientNotFoundError, OwnAudienceTakenError, 422),
)
async def update_client(client_id: ClientId, change: ClientUpdate, principal: CurrentPrincipal, work: Work) -> Client:
    """Change a client. What is not sent stays as it is.

    With `is_active: false` its tokens are refused at once, here and at every service that follows the revocation feed,
    and stay refused when it is active again. What else is taken away counts from the next token on.
    """
    return await work.clients.update(principal, client_id, change)


@router.post(
    "/{client_id}/secret",
    responses=problems(400, 401, 403, ClientNotFoundError, PublicClientError, 422),
)
async def rotate_client_secret(client_id: ClientId, principal: CurrentPrincipal, work: Work) -> ClientWithSecret:
    """Give a confidential client a new secret, which is in this answer and nowhere else. The old one ends at once."""
    return await work.clients.rotate_secret(principal, client_id)


@router.delete(
    "/{client_id}",
    status_code=204,
    response_class=Response,
    responses=problems(400, 401, 403, ClientNotFoundError, BuiltInClientError, 422),
)
async def delete_client(client_id: ClientId, principal: CurrentPrincipal, work: Work) -> None:
    """Delete a client for good. Its tokens are refused at once."""
    await work.clients.delete(principal, client_id)
