"""Every route of the service, in the order in which paths are tried."""

from fastapi import APIRouter

from auth_service.api import (
    account,
    clients,
    health,
    items,
    oauth,
    revocation_feed,
    sessions,
    token_status,
    users,
    well_known,
)

router = APIRouter()
for room in (oauth, token_status, revocation_feed, well_known, account, sessions, users, items, clients, health):
    router.include_router(room.router)
