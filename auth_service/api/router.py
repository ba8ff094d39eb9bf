"""Every route of the service, in the order in which paths are tried."""

from fastapi import APIRouter

from auth_service.api import account, health, items, oauth, revocations, sessions, users, well_known

router = APIRouter()
for room in (oauth, revocations, well_known, account, sessions, users, items, health):
    router.include_router(room.router)
