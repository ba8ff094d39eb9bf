"""Every route of the service, in the order in which paths are tried."""

from fastapi import APIRouter

from auth_service.api import (
    account,
    clients,
    health,
    items,
    revocation_feed,
    second_factor,
    sessions,
    token,
    token_status,
    users,
    well_known,
)

router = APIRouter()
for room in (
    token,
    token_status,
    revocation_feed,
    well_known,
    account,
    second_factor,
    sessions,
    users,
    items,
    clients,
    health,
):
    router.include_router(room.router)
