"""Every route of the service, in the order in which paths are tried."""

from fastapi import APIRouter

from auth_service.api import (
    account,
    account_export,
    audit,
    clients,
    email_change,
    email_verification,
    health,
    items,
    password_recovery,
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
    email_change,
    second_factor,
    account_export,
    audit,
    sessions,
    users,
    email_verification,
    password_recovery,
    items,
    clients,
    health,
):
    router.include_router(room.router)
