"""Probes: is the process alive, and is it able to serve."""

from fastapi import APIRouter
from pydantic import BaseModel

from auth_service.api.dependencies import CurrentRuntime
from auth_service.api.openapi import problems

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """What a probe gets to read."""

    status: str = "ok"


@router.get("/livez", responses=problems())
async def livez() -> Health:
    """Say that the process runs; asks nobody else."""
    return Health()


@router.get("/readyz", responses=problems())
async def readyz(runtime: CurrentRuntime) -> Health:
    """Say whether requests should come here: the database answers, and its schema is what this release needs."""
    await runtime.check_readiness()
    return Health()
