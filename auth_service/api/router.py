"""Every route of the service, in the order in which paths are tried."""

from fastapi import APIRouter

from auth_service.api import account, clients, health, items, oauth, users, well_known

router = APIRouter()
for room in (oauth, well_known, account, users, items, clients, health):
    router.include_router(room.router)
