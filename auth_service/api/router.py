"""Every route of the service, in the order in which paths are tried."""

from fastapi import APIRouter

from auth_service.api import (
    account,
    account_export,
    audit,
    clients,
    health,
    items,
    revocation_feed,
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
    account_export,
    audit,
    sessions,
    users,
    items,
    clients,
    health,
):
    router.include_router(room.router)
